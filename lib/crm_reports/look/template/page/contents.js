// ── Contents: what is folded opens where it is wanted, and the bar tells where one is ───────────────────────────────
const folds = all("details.more"), unprinted = all("details.more, details.quality");
const isFolded = node => Boolean(node.closest("details.more:not([open])"));
const unfold = node => { for (let fold = node?.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true; };

// An address that names something within a fold opens it.
function goTo(hash) {
  const target = document.getElementById(decodeURIComponent(hash.slice(1)));
  if (!target || !isFolded(target)) return;
  unfold(target);
  target.scrollIntoView();
}
addEventListener("hashchange", () => goTo(location.hash));
addEventListener("load", () => goTo(location.hash));
document.addEventListener("click", event => {
  const link = event.target.closest?.('a[href^="#"]');
  if (link) goTo(link.hash);
});

// Paper has everything.
let unfolded = [];
addEventListener("beforeprint", () => {
  unfolded = unprinted.filter(fold => !fold.open);
  unfolded.forEach(fold => { fold.open = true; });
});
addEventListener("afterprint", () => unfolded.forEach(fold => { fold.open = false; }));

const strip = document.querySelector("nav.contents");
if (strip) {
  const entries = all("a", strip), heads = entries.map(entry => document.getElementById(entry.hash.slice(1)));
  const box = strip.querySelector(".wrap");
  const here = () => {
    // The last question whose answer has come up to the upper third of the screen; at the end of the page the last one.
    const ended = innerHeight + scrollY >= document.documentElement.scrollHeight - 2;
    const at = ended && scrollY ? heads.length - 1 : heads.findLastIndex(head => head.getBoundingClientRect().top < innerHeight / 3);
    entries.forEach((entry, place) => {
      if ((place === at) === entry.hasAttribute("aria-current")) return;
      entry.toggleAttribute("aria-current", place === at);
      if (place === at) { entry.setAttribute("aria-current", "true"); box.scrollTo({left: entry.offsetLeft - 40}); }
    });
  };
  const watch = new IntersectionObserver(here, {threshold: [0, 1], rootMargin: "0px 0px -66% 0px"});
  heads.forEach(head => watch.observe(head));
}
