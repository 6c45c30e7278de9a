"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const remember = (value) => { try { if (value) localStorage.setItem("aha-lab-theme", value); return localStorage.getItem("aha-lab-theme"); } catch { return null; } };

  const button = document.getElementById("theme");
  const root = document.documentElement;
  if (remember()) root.dataset.theme = remember() === "dark" ? "dark" : "light";
  button.hidden = false;
  button.addEventListener("click", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    remember(root.dataset.theme);
  });

  for (const tabs of all(".tabs")) {
    const row = all(":scope > [role=tablist] > [role=tab]", tabs);
    const show = (chosen) => {
      for (const tab of row) {
        const is = tab === chosen;
        tab.setAttribute("aria-selected", is);
        tab.tabIndex = is ? 0 : -1;
        document.getElementById(tab.getAttribute("aria-controls")).hidden = !is;
      }
      filter();
    };
    row.forEach((tab, i) => {
      tab.addEventListener("click", () => show(tab));
      tab.addEventListener("keydown", (event) => {
        const to = { ArrowRight: i + 1, ArrowLeft: i - 1, Home: 0, End: row.length - 1 }[event.key];
        if (to === undefined) return;
        event.preventDefault();
        const next = row[(to + row.length) % row.length];
        show(next);
        next.focus();
      });
    });
    setTimeout(() => show(row[0]));
  }

  const bar = document.querySelector(".filter");
  function filter() {
    if (!bar) return;
    const typed = bar.querySelector("input").value.toLowerCase();
    const step = /\bstep:(\d+)/.exec(typed);
    const words = typed.replace(/\bstep:\d*/g, "").trim();
    const kinds = all(".chip[aria-pressed=true]", bar).map((chip) => chip.dataset.kind);
    let shown = 0, total = 0;
    for (const article of all(".samples article")) {
      const own = article.dataset.kinds.split(" ");
      const fits = kinds.every((kind) => own.includes(kind))
        && (!step || article.dataset.step === step[1])
        && (!words || article.textContent.toLowerCase().includes(words));
      article.hidden = !fits;
      if (!article.closest("[role=tabpanel][hidden]")) { total += 1; shown += fits; }
    }
    bar.querySelector("output").textContent = `${shown} of ${total}`;
  }
  if (bar) {
    bar.querySelector("input").addEventListener("input", filter);
    for (const chip of all(".chip", bar)) {
      chip.addEventListener("click", () => {
        chip.setAttribute("aria-pressed", chip.getAttribute("aria-pressed") !== "true");
        filter();
      });
    }
    filter();
  }

  const LEFT = 46, RIGHT = 14, TOP = 12, BOTTOM = 34;
  for (const figure of all("figure.chart")) {
    const { x: [least, most], lines } = JSON.parse(figure.dataset.lines);
    const output = figure.querySelector("output");
    const short = (value) => Number(value.toPrecision(3)).toString();
    const nearest = (xs, x) => xs.reduce((best, value, i) => (Math.abs(value - x) < Math.abs(xs[best] - x) ? i : best), 0);
    for (const svg of all("svg", figure)) {
      const [, , width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
      const cursor = document.createElementNS("http://www.w3.org/2000/svg", "line");
      cursor.setAttribute("class", "cursor");
      cursor.setAttribute("y1", TOP);
      cursor.setAttribute("y2", height - BOTTOM);
      cursor.setAttribute("visibility", "hidden");
      svg.append(cursor);
      svg.addEventListener("pointermove", (event) => {
        const box = svg.getBoundingClientRect();
        const part = ((event.clientX - box.left) / box.width * width - LEFT) / (width - LEFT - RIGHT);
        const x = least + Math.min(1, Math.max(0, part)) * (most - least);
        const said = lines.filter((line) => line.x.length).map((line) => {
          const i = nearest(line.x, x);
          return { at: line.x[i], words: `${lines.length > 1 ? line.label + " " : ""}${short(line.y[i])}` };
        });
        if (!said.length) return;
        const at = LEFT + (said[0].at - least) / (most - least) * (width - LEFT - RIGHT);
        cursor.setAttribute("x1", at);
        cursor.setAttribute("x2", at);
        cursor.setAttribute("visibility", "visible");
        output.textContent = `step ${Math.round(said[0].at)}: ${said.map((one) => one.words).join(" · ")}`;
      });
      svg.addEventListener("pointerleave", () => {
        cursor.setAttribute("visibility", "hidden");
        output.textContent = "";
      });
    }
  }
})();
