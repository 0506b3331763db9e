// What happens when: charts are drawn when they come into view, redrawn for light or dark, and all
// of them, in light, before printing.

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
  };
  dark.addEventListener("change", () => page.plots.forEach((plot) => plot.draw()));
  return page;
}

function unitRatio(source, plot) {
  return source.state.axis === "time" ? source.scene.unit[1] / plot.scene.unit[1] : 1;
}

function printable(page) {
  addEventListener("beforeprint", () => {
    for (const plot of page.plots) {
      plot.open();
      plot.draw(page.light());
      const image = plot.box.appendChild(element("img", "printed"));
      image.alt = plot.box.getAttribute("aria-label");
      image.src = plot.instance.getDataURL({ type: "png", pixelRatio: 2, backgroundColor: page.light().background });
    }
  });
  addEventListener("afterprint", () => {
    for (const image of document.querySelectorAll("img.printed")) image.remove();
    for (const plot of page.plots) plot.draw();
  });
}

async function start() {
  const tree = JSON.parse(document.getElementById("tree").textContent);
  equipEpochs(tree.epochs);
  const bytes = await inflate(document.getElementById("numbers").textContent);
  const page = pageOf(tree, bytes);
  const observer = new IntersectionObserver((seen) => {
    for (const { isIntersecting, target } of seen) {
      if (!isIntersecting) continue;
      observer.unobserve(target);
      page.plots[Number(target.dataset.chart)].open();
    }
  }, { rootMargin: "300px" });
  for (const figure of document.querySelectorAll("figure.chart")) {
    const plot = new Plot(figure, tree.charts[Number(figure.dataset.chart)], page);
    page.plots.push(plot);
    listen(plot);
    equip(plot);
    observer.observe(figure);
  }
  printable(page);
}

start().catch((error) => {
  for (const box of document.querySelectorAll(".plot")) {
    box.textContent = `This chart could not be drawn: ${error.message}`;
  }
  throw error;
});
