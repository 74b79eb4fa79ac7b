"use strict";
(() => {
  const box = document.querySelector("input.find");
  if (!box) return;
  const rows = [...document.querySelectorAll("[data-find]")].map(node => ({node, text: node.textContent.toLowerCase()}));
  box.hidden = false;
  box.addEventListener("input", () => {
    const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const {node, text} of rows) node.hidden = !words.every(word => text.includes(word));
    for (const group of document.querySelectorAll("[data-group]")) {
      const found = group.querySelectorAll("[data-find]:not([hidden])").length;
      group.hidden = !found;
      group.open = words.length > 0 && found > 0;
    }
  });
})();
