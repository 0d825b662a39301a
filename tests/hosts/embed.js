// What html-manager's own embed-amd.js does beyond libembed-amd.js: shows what the page has.
require(["@jupyter-widgets/html-manager/dist/libembed-amd"], ({ renderWidgets }) => {
  if (document.readyState === "complete") renderWidgets();
  else addEventListener("load", () => renderWidgets());
});
