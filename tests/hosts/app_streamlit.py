"""An app of Streamlit that shows a view as a page."""

import streamlit
from streamlit.components.v1 import html

import llmscope


@streamlit.cache_resource
def scope() -> llmscope.Scope:
    return llmscope.load()


text = streamlit.text_input("Text", "When Mary and John went to the store, John gave a drink to")
page = scope().explore(text, layer=24, head=4).to_html(layers=[24])
html(page.html, height=1500, scrolling=True)
