"use strict";
(() => {
  const box = document.querySelector("input.find");
  if (!box) return;
  const rows = [...document.querySelectorAll("[data-find]")].map(node => ({node, text: node.textContent.toLowerCase()}));
  box.hidden = false;
  box.addEventListener("input", () => {
    const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const {node, text} of rows) node.hidden = !words.every(word => text.includes(word));
  });
})();
