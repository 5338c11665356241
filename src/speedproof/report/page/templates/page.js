"use strict";
(() => {
  const root = document.documentElement;
  const canvases = [...document.querySelectorAll(".canvas")];
  const drawn = new Set();
  const settings = { displayModeBar: false, responsive: true };

  // The library is text until the first plot is wanted, so that the page itself opens at once.
  const library = () => {
    if (!window.Plotly) {
      const script = document.createElement("script");
      script.textContent = document.getElementById("library").textContent;
      document.head.append(script);
    }
    return window.Plotly;
  };

  // {"role": name} stands for the colour that the page's style has under that name.
  const coloured = (value, style) => {
    if (Array.isArray(value)) return value.map((one) => coloured(one, style));
    if (value === null || typeof value !== "object") return value;
    if (typeof value.role === "string") return style.getPropertyValue(`--${value.role}`).trim() || style.color;
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, coloured(one, style)]));
  };

  const specifications = new Map(canvases.map((canvas) => {
    const script = canvas.querySelector("script");
    script.remove();
    return [canvas, script.textContent];
  }));

  const draw = (canvas) => {
    const { data, layout } = coloured(JSON.parse(specifications.get(canvas)), getComputedStyle(root));
    library().react(canvas, data, layout, settings);
    drawn.add(canvas);
  };

  const redraw = () => drawn.forEach(draw);

  // What is in a closed part has no place on the screen, so it is drawn when its part is opened.
  const watcher = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (isIntersecting && !drawn.has(target)) draw(target);
    }
  }, { rootMargin: "300px" });
  canvases.forEach((canvas) => watcher.observe(canvas));

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);

  const parts = [...document.querySelectorAll("details")];
  const filter = document.getElementById("filter");
  const filtered = document.getElementById("filtered");
  const findings = [...document.querySelectorAll(".card")];

  const show = () => {
    const wanted = filter.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const card of findings) {
      const words = card.dataset.words.toLowerCase();
      const fits = wanted.every((word) => words.includes(word));
      shown += fits;
      for (const one of document.querySelectorAll("[data-finding]")) {
        if (one.dataset.finding === card.dataset.finding) one.hidden = !fits;
      }
    }
    filtered.textContent = wanted.length ? `${shown} of ${findings.length} findings shown` : "";
  };
  filter.addEventListener("input", show);

  document.getElementById("open-all").addEventListener("click", () => parts.forEach((part) => { part.open = true; }));
  document.getElementById("close-all").addEventListener("click", () => parts.forEach((part) => { part.open = false; }));

  // A link into a part opens it.
  const reveal = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (let part = target; part; part = part.parentElement) if (part.localName === "details") part.open = true;
  };
  addEventListener("hashchange", reveal);
  reveal();

  // On paper everything is open, drawn and light; afterwards all is as it was.
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = parts.filter((part) => !part.open);
    closed.forEach((part) => { part.open = true; });
    root.classList.add("printing");
    canvases.forEach(draw);
  });
  addEventListener("afterprint", () => {
    closed.forEach((part) => { part.open = false; });
    root.classList.remove("printing");
    redraw();
  });
})();
