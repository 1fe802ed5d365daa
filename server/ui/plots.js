/** Small live plots in SVG. Each says in words what it shows. */

import { ms, svg } from "./dom.js";

const WIDTH = 320;
const HEIGHT = 96;
const BOUNDS = [2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000]; // ms; the last bar is beyond

export function median(values) {
  return quantile(values, 0.5);
}

export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}

function frame(name) {
  return svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT + 16}`, class: `plot plot-${name}`, role: "img" });
}

/** How often each time came: bars over a scale of about doubling steps. */
export function histogram(label) {
  const made = frame("bars");
  made.show = (values) => {
    const counts = BOUNDS.map((bound, index) => values.filter((value) => value <= bound && value > (BOUNDS[index - 1] ?? -1)).length);
    counts.push(values.filter((value) => value > BOUNDS.at(-1)).length);
    const most = Math.max(...counts, 1);
    const step = WIDTH / counts.length;
    const parts = counts.map((count, index) => {
      const height = (count / most) * (HEIGHT - 14);
      const name = index < BOUNDS.length ? `≤ ${ms(BOUNDS[index])}` : `> ${ms(BOUNDS.at(-1))}`;
      const bar = svg("rect", { x: index * step + 2, y: HEIGHT - Math.max(height, 1), width: step - 4, height: Math.max(height, 1), rx: 2, class: count ? "" : "none" });
      bar.append(svg("title", {}, `${name}: ${count}`));
      const tick = svg("text", { x: index * step + step / 2, y: HEIGHT + 12, class: "tick" }, index < BOUNDS.length ? short(BOUNDS[index]) : "more");
      const amount = svg("text", { x: index * step + step / 2, y: HEIGHT - height - 4, class: "amount" }, count ? String(count) : "");
      return [bar, tick, amount];
    });
    made.replaceChildren(...parts.flat());
    made.setAttribute("aria-label", values.length ? `${label}: ${values.length} times, median ${ms(median(values))}` : `${label}: none yet`);
  };
  made.show([]);
  return made;
}

function short(bound) {
  return bound >= 1000 ? `${bound / 1000}s` : String(bound);
}

/**
 * What a number was during the last `spanS` seconds: points [{ at, value }], of which the
 * newest may move on between them.
 */
export function line(label, { spanS = 120, unit = String, least = 1, kind = "line" } = {}) {
  const made = frame(kind);
  made.show = (points, now = Date.now()) => {
    const recent = points.filter(({ at }) => at > now - spanS * 1000);
    const most = Math.max(least, ...recent.map(({ value }) => value));
    const x = ({ at }) => WIDTH - ((now - at) / (spanS * 1000)) * WIDTH;
    const y = ({ value }) => HEIGHT - (value / most) * (HEIGHT - 14);
    const parts = [0, 0.5, 1].map((share) => svg("line", { x1: 0, x2: WIDTH, y1: HEIGHT - share * (HEIGHT - 14), y2: HEIGHT - share * (HEIGHT - 14), class: "rule" }));
    if (kind === "bars") {
      const width = Math.max(WIDTH / spanS - 0.6, 1);
      parts.push(...recent.map((point) => svg("rect", { x: x(point) - width, y: Math.min(y(point), HEIGHT - 1), width, height: Math.max(HEIGHT - y(point), 1), class: point.value ? "" : "none" })));
    } else if (kind === "dots") {
      parts.push(...recent.map((point) => svg("circle", { cx: x(point), cy: y(point), r: 2.6 })));
    } else if (recent.length) {
      const path = recent.map((point) => `${x(point).toFixed(1)} ${y(point).toFixed(1)}`).join("L");
      parts.push(svg("path", { d: `M${x(recent[0]).toFixed(1)} ${HEIGHT}L${path}L${WIDTH} ${y(recent.at(-1)).toFixed(1)}V${HEIGHT}Z`, class: "area" }), svg("path", { d: `M${path}H${WIDTH}`, class: "stroke" }));
    }
    parts.push(svg("text", { x: 2, y: 10, class: "tick start" }, unit(most)), svg("text", { x: 0, y: HEIGHT + 13, class: "tick start" }, `${spanS / 60} min ago`), svg("text", { x: WIDTH, y: HEIGHT + 13, class: "tick end" }, "now"));
    made.replaceChildren(...parts);
    const last = recent.at(-1);
    made.setAttribute("aria-label", last ? `${label}: ${unit(last.value)} now, at most ${unit(Math.max(...recent.map(({ value }) => value)))}` : `${label}: nothing yet`);
  };
  made.show([]);
  return made;
}
