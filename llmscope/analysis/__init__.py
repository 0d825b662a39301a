"""What can be computed from a recorded pass: attention matrices, scores, arithmetic, logit lens."""
