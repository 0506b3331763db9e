// What happens when: charts are drawn when they come into view, redrawn for light or dark, and all
// of them, in light, for printing. What charts have in common is here, too.

const PRINTED = { width: 420, height: 230 };

function pageOf(tree, bytes) {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const page = {
    bytes,
    phases: tree.phases,
    attempts: tree.attempts,
    plots: [],
    theme: () => ({ name: dark.matches ? "dark" : "light", ...tree.themes[dark.matches ? "dark" : "light"] }),
    light: () => ({ name: "light", ...tree.themes.light }),
    // The cursor is one for all charts that count along the same axis.
    point: (source, position) => {
      const said = source.showCursor(position);
      for (const plot of page.plots) {
        if (plot === source || !plot.instance) continue;
        if (plot.state.axis === source.state.axis && said) plot.showCursor(position * unitRatio(source, plot));
        else plot.hideCursor();
      }
      return said;
    },
    leave: () => page.plots.forEach((plot) => plot.hideCursor()),
    // Whether charts with the same axis are zoomed together.
    together: true,
    share: (source, window) => {
      for (const plot of page.together ? page.plots : []) {
        if (plot === source || plot.state.axis !== source.state.axis) continue;
        plot.follow({ window: window && window.map((at) => at * unitRatio(source, plot)) });
      }
    },
    // Set a part of the state of all charts, as far as each can follow.
    setAll: (part) => {
      for (const plot of page.plots) plot.follow(plot.able(part));
      page.changed();
    },
    reset: () => {
      page.together = true;
      for (const plot of page.plots) plot.follow(plot.first);
      page.changed();
    },
    // What all charts have in common that have the choice.
    common: () => {
      const of = (name, plots) => {
        const found = new Set(plots.map(({ state }) => state[name]));
        return found.size > 1 ? VARIOUS : [...found][0];
      };
      const opened = page.plots.every(({ state, first }) => state.smoothing === first.smoothing);
      return {
        axis: of("axis", page.plots.filter(({ axes }) => axes.length > 1)) ?? "step",
        logX: of("logX", page.plots),
        logY: of("logY", page.plots.filter(({ chart }) => chart.positive)) ?? false,
        smoothing: opened && page.plots.some(({ smoothed }) => smoothed.length) ? null : of("smoothing", page.plots),
      };
    },
    changed: () => {},
  };
  dark.addEventListener("change", () => page.plots.forEach((plot) => plot.draw()));
  return page;
}

function unitRatio(source, plot) {
  return source.state.axis === "time" ? source.scene.unit[1] / plot.scene.unit[1] : 1;
}

// On paper a chart is an image of its own, as no layout of the screen says how wide paper is.
function printable(page) {
  const remove = () => document.querySelectorAll("img.printed").forEach((image) => image.remove());
  addEventListener("beforeprint", () => {
    remove();
    for (const plot of page.plots) {
      const image = plot.box.appendChild(element("img", "printed"));
      image.alt = plot.box.getAttribute("aria-label");
      image.src = imageOf(PRINTED, page.light(), optionOf(plot.scene, page.light(), page, PRINTED.width));
    }
  });
  addEventListener("afterprint", remove);
}

async function start() {
  const tree = JSON.parse(document.getElementById("tree").textContent);
  equipEpochs(tree.epochs);
  const bytes = await inflate(document.getElementById("numbers").textContent);
  const page = pageOf(tree, bytes);
  const observer = new IntersectionObserver((seen) => {
    for (const { isIntersecting, target } of seen) page.plots[Number(target.dataset.chart)].enter(isIntersecting);
  }, { rootMargin: "300px" });
  for (const figure of document.querySelectorAll("figure.chart")) {
    const plot = new Plot(figure, tree.charts[Number(figure.dataset.chart)], page);
    page.plots.push(plot);
    listen(plot);
    equip(plot);
    observer.observe(figure);
  }
  equipPage(page);
  explain();
  printable(page);
}

start().catch((error) => {
  for (const box of document.querySelectorAll(".plot")) {
    box.textContent = `This chart could not be drawn: ${error.message}`;
  }
  throw error;
});
