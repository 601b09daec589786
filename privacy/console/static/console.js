// Keeps pictures fresh: each is asked for again once the last one has come, while somebody can see it.
"use strict";
(() => {
  const EVERY_MS = 2000;
  const seen = new WeakSet();
  let turn = 0;

  const inSight = (image) => {
    const box = image.parentElement.getBoundingClientRect();
    return box.bottom > 0 && box.top < window.innerHeight;
  };

  const refresh = (image) => {
    if (!image.isConnected) return;
    if (document.hidden || !inSight(image)) {
      setTimeout(refresh, EVERY_MS, image);
      return;
    }
    turn += 1;
    image.src = `${image.dataset.live}&turn=${turn}`;
  };

  const watch = (image) => {
    if (seen.has(image)) return;
    seen.add(image);
    image.addEventListener("load", () => {
      image.hidden = false;
      setTimeout(refresh, EVERY_MS, image);
    });
    image.addEventListener("error", () => {
      image.hidden = true; // it may not be shown any more, or not yet
      setTimeout(refresh, EVERY_MS, image);
    });
    refresh(image);
  };

  const watchAll = () => document.querySelectorAll("img[data-live]").forEach(watch);

  document.addEventListener("DOMContentLoaded", watchAll);
  document.addEventListener("htmx:load", watchAll);
  document.addEventListener("htmx:sseMessage", watchAll);
})();
