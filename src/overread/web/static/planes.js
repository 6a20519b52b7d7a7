// Three planes through a volume, with what was found laid over it. Nothing is fetched but the run's own volume.
"use strict";

const AXES = ["x", "y", "z"];
// Each plane: the axis one goes through, those across and down, and the letters at its edges (left, right, top, bottom).
// Right of the patient is left on the screen; anterior and superior are on top.
const PLANES = [
  { name: "Axial", through: 2, across: 0, down: 1, edges: "RLAP" },
  { name: "Coronal", through: 1, across: 0, down: 2, edges: "RLSI" },
  { name: "Sagittal", through: 0, across: 1, down: 2, edges: "APSI" },
];
const WINDOWS = { Brain: [40, 80], Subdural: [75, 215], "Soft tissue": [40, 400], Lung: [-600, 1500], Bone: [500, 2000] };

async function bytes(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${answer.status}`);
  return answer.arrayBuffer();
}

class Planes {
  constructor(root, facts, values, labels) {
    Object.assign(this, { root, facts, values, labels });
    this.at = [...facts.begin];
    this.level = (facts.low + facts.high) / 2;
    this.width = facts.high - facts.low;
    this.opacity = 0.5;
    this.views = PLANES.map((plane) => this.view(plane));
    this.tools();
    new ResizeObserver(() => this.draw()).observe(this.grid);
    this.draw();
  }

  index(point) { const [a, b] = this.facts.shape; return point[0] + a * (point[1] + b * point[2]); }
  value(point) { return this.values[this.index(point)] * this.facts.slope + this.facts.intercept; }

  view(plane) {
    this.grid ??= this.root.querySelector(".grid");
    const { shape, spacing } = this.facts;
    const canvas = document.createElement("canvas");
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `${plane.name} plane; arrow keys and wheel go through it, a click moves the others there`);
    const [w, h] = [shape[plane.across] * spacing[plane.across], shape[plane.down] * spacing[plane.down]];
    canvas.style.aspectRatio = `${w} / ${h}`;
    const cell = document.createElement("div");
    cell.className = "plane";
    cell.append(canvas);
    this.grid.append(cell);
    const source = document.createElement("canvas");
    [source.width, source.height] = [shape[plane.across], shape[plane.down]];
    const view = { plane, canvas, source, pixels: new ImageData(source.width, source.height) };
    this.listen(view);
    return view;
  }

  move(axis, step) {
    this.at[axis] = Math.min(this.facts.shape[axis] - 1, Math.max(0, this.at[axis] + step));
    this.draw();
  }

  listen(view) {
    const { canvas, plane } = view;
    const { shape } = this.facts;
    const place = (e) => {
      const box = canvas.getBoundingClientRect();
      const u = Math.floor(((e.clientX - box.left) / box.width) * shape[plane.across]);
      const v = Math.floor(((e.clientY - box.top) / box.height) * shape[plane.down]);
      // The edges' letters: what is left and on top are the high ends of the axes.
      this.at[plane.across] = shape[plane.across] - 1 - Math.min(shape[plane.across] - 1, Math.max(0, u));
      this.at[plane.down] = shape[plane.down] - 1 - Math.min(shape[plane.down] - 1, Math.max(0, v));
      this.draw();
    };
    let window_from = null;
    canvas.addEventListener("pointerdown", (e) => {
      canvas.setPointerCapture(e.pointerId);
      if (e.button === 2 || e.shiftKey) window_from = [e.clientX, e.clientY, this.width, this.level];
      else if (e.button === 0) place(e);
    });
    canvas.addEventListener("pointermove", (e) => {
      if (window_from) {
        const [x, y, width, level] = window_from;
        const step = (this.facts.high - this.facts.low) / 250;
        this.windowed(level + (e.clientY - y) * step, Math.max(this.facts.slope, width + (e.clientX - x) * step));
      } else if (e.buttons === 1) place(e);
    });
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => { window_from = null; });
    canvas.addEventListener("contextmenu", (e) => e.preventDefault());
    canvas.addEventListener("wheel", (e) => { e.preventDefault(); this.move(plane.through, -Math.sign(e.deltaY)); }, { passive: false });
    canvas.addEventListener("keydown", (e) => {
      const steps = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1, PageUp: 10, PageDown: -10 };
      if (e.key in steps) { e.preventDefault(); this.move(plane.through, steps[e.key]); }
    });
  }

  windowed(level, width) {
    [this.level, this.width] = [level, Math.max(this.facts.slope, width)];
    const digits = this.facts.slope < 1 ? 2 : 0;
    this.root.querySelector(".level").value = this.level.toFixed(digits);
    this.root.querySelector(".width").value = this.width.toFixed(digits);
    this.draw();
  }

  tools() {
    const number = (name) => this.root.querySelector(name);
    const typed = () => {
      const [level, width] = [Number(number(".level").value), Number(number(".width").value)];
      if (Number.isFinite(level) && width > 0) { [this.level, this.width] = [level, width]; this.draw(); }
    };
    for (const name of [".level", ".width"]) number(name).addEventListener("change", typed);
    const presets = number(".windows");
    presets.append(new Option("As shown first", ""));
    if (this.facts.unit === "HU") for (const name of Object.keys(WINDOWS)) presets.append(new Option(name, name));
    presets.addEventListener("change", () => {
      const [level, width] = WINDOWS[presets.value] ?? [(this.facts.low + this.facts.high) / 2, this.facts.high - this.facts.low];
      this.windowed(level, width);
    });
    number(".opacity").closest("label").hidden = !this.labels;
    number(".opacity").addEventListener("input", (e) => { this.opacity = Number(e.target.value) / 100; this.draw(); });
    this.windowed(this.level, this.width);
  }

  draw() {
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => { this.waiting = 0; this.paint(); });
  }

  paint() {
    for (const view of this.views) this.plane(view);
    const { spacing, unit, labels, thinned } = this.facts;
    const label = this.labels ? labels[this.labels[this.index(this.at)] - 1] : undefined;
    const value = this.value(this.at);
    this.root.querySelector(".here").textContent =
      `${this.at.map((n, axis) => `${AXES[axis]} ${n + 1} of ${this.facts.shape[axis]}`).join(", ")}: ` +
      `${Math.abs(value) < 10 && !Number.isInteger(value) ? value.toFixed(3) : Math.round(value)}${unit ? ` ${unit}` : ""}${label ? `, ${label}` : ""} ` +
      `(voxel ${spacing.map((s) => s.toFixed(2)).join(" x ")} mm${thinned.some((n) => n > 1) ? `, one of ${thinned.join(" x ")} shown` : ""})`;
  }

  plane({ plane, canvas, source, pixels }) {
    const { shape, slope, intercept, colors } = this.facts;
    const [columns, rows] = [shape[plane.across], shape[plane.down]];
    const stride = [1, shape[0], shape[0] * shape[1]];
    const low = this.level - this.width / 2, scale = 255 / this.width;
    const from = this.at[plane.through] * stride[plane.through];
    const data = pixels.data;
    let out = 0;
    for (let row = 0; row < rows; row++) {
      let index = from + (rows - 1 - row) * stride[plane.down] + (columns - 1) * stride[plane.across];
      for (let column = 0; column < columns; column++, index -= stride[plane.across], out += 4) {
        const gray = Math.min(255, Math.max(0, (this.values[index] * slope + intercept - low) * scale));
        const label = this.labels ? this.labels[index] : 0;
        const color = label ? colors[(label - 1) % colors.length] : null;
        for (let c = 0; c < 3; c++) data[out + c] = color ? gray * (1 - this.opacity) + color[c] * this.opacity : gray;
        data[out + 3] = 255;
      }
    }
    source.getContext("2d").putImageData(pixels, 0, 0);
    const zoom = window.devicePixelRatio || 1;
    const [width, height] = [Math.round(canvas.clientWidth * zoom), Math.round(canvas.clientHeight * zoom)];
    if (!width || !height) return;
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    const pen = canvas.getContext("2d");
    pen.imageSmoothingEnabled = true;
    pen.drawImage(source, 0, 0, width, height);
    const x = ((columns - this.at[plane.across] - 0.5) / columns) * width;
    const y = ((rows - this.at[plane.down] - 0.5) / rows) * height;
    pen.strokeStyle = "rgba(90, 200, 250, 0.7)";
    pen.lineWidth = zoom;
    const gap = 10 * zoom;
    pen.beginPath();
    for (const [ax, ay, bx, by] of [[0, y, x - gap, y], [x + gap, y, width, y], [x, 0, x, y - gap], [x, y + gap, x, height]]) {
      pen.moveTo(ax, ay); pen.lineTo(bx, by);
    }
    pen.stroke();
    pen.fillStyle = "#ffe3a3";
    pen.font = `${13 * zoom}px system-ui, sans-serif`;
    pen.textBaseline = "middle";
    const [left, right, top, bottom] = plane.edges;
    const pad = 5 * zoom;
    pen.textAlign = "left"; pen.fillText(left, pad, height / 2);
    pen.textAlign = "right"; pen.fillText(right, width - pad, height / 2);
    pen.textAlign = "center";
    pen.textBaseline = "top"; pen.fillText(top, width / 2, pad);
    pen.textBaseline = "bottom"; pen.fillText(bottom, width / 2, height - pad);
  }
}

document.addEventListener("click", async (e) => {
  const button = e.target.closest("button.open-planes");
  if (!button) return;
  const root = button.closest(".picture").querySelector(".planes");
  const said = button.closest(".picture").querySelector(".planes-said");
  const run = button.dataset.run;
  button.disabled = true;
  said.textContent = "Loading the volume";
  try {
    const facts = await (await fetch(`/runs/${run}/volume.json`)).json();
    const [values, labels] = await Promise.all([
      bytes(`/runs/${run}/volume/values`),
      facts.marks ? bytes(`/runs/${run}/volume/labels`) : null,
    ]);
    root.hidden = false;
    new Planes(root, facts, new Uint16Array(values), labels && new Uint8Array(labels));
    button.hidden = true;
    said.textContent = "";
    root.querySelector("canvas").focus();
  } catch (error) {
    button.disabled = false;
    said.textContent = "The volume could not be loaded; try again.";
  }
});
