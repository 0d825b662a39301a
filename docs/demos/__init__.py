"""The demo models that come with llmscope: what they are trained on, and how."""
