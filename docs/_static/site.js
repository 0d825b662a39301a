// Code and tables that are wider than their place are scrolled by keys, too.
const scrolled = new ResizeObserver((changes) => {
  for (const { target } of changes) {
    if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
    else target.removeAttribute("tabindex");
  }
});
addEventListener("DOMContentLoaded", () => {
  for (const one of document.querySelectorAll("pre, table.dataframe, .table-wrapper, .math-wrapper")) scrolled.observe(one);
});
