// Keeps pages up to date and goes through slices. Pages work without it; nothing is fetched from elsewhere.
"use strict";

function refresh() {
  const main = document.querySelector("main[data-refresh]");
  if (!main) return;
  setTimeout(async () => {
    // Whoever is typing, choosing or reading a picture is not interrupted.
    const busy = main.contains(document.activeElement) && document.activeElement.closest("form, .viewer");
    if (!busy && !document.hidden) {
      try {
        const answer = await fetch(location.href, { headers: { "X-Refresh": "1" } });
        if (answer.redirected && new URL(answer.url).pathname === "/login") { location.href = "/login?ended"; return; }
        if (answer.ok) {
          const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
          if (fresh && fresh.innerHTML !== main.innerHTML) {
            const focused = main.contains(document.activeElement) && document.activeElement.getAttribute("href");
            main.replaceWith(fresh);
            viewers(fresh);
            if (focused) fresh.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
          }
        }
      } catch { /* The node is not there just now: look again later. */ }
    }
    refresh();
  }, 1000 * Number(main.dataset.refresh));
}

function viewers(root) {
  for (const viewer of root.querySelectorAll(".viewer")) {
    const list = (name) => (viewer.dataset[name] || "").split(" ").filter(Boolean).map(Number);
    const slices = list("slices"), answered = list("answered"), heated = list("heated");
    const range = viewer.querySelector(".slice"), output = viewer.querySelector("output");
    const layer = (name) => viewer.querySelector(`.layer.${name}`);
    const wants = { answer: viewer.querySelector(".show-answer"), heat: viewer.querySelector(".show-heat") };
    const set = (image, kind, number, there) => {
      image.hidden = !there;
      if (there) image.src = `/runs/${viewer.dataset.run}/${kind}/${number}.png`;
    };
    const show = () => {
      const number = slices[Number(range.value)];
      set(layer("image"), "image", number, true);
      set(layer("answer"), "answer", number, wants.answer.checked && answered.includes(number));
      set(layer("heat"), "heat", number, Boolean(wants.heat?.checked) && heated.includes(number));
      output.textContent = `${number} of ${slices[slices.length - 1]}`;
    };
    const go = (step) => {
      range.value = Math.min(slices.length - 1, Math.max(0, Number(range.value) + step));
      show();
    };
    range.addEventListener("input", show);
    for (const box of Object.values(wants)) box?.addEventListener("change", show);
    viewer.querySelector(".next-found")?.addEventListener("click", () => {
      const here = slices[Number(range.value)];
      const next = answered.find((n) => n > here) ?? answered[0];
      range.value = slices.indexOf(next);
      show();
    });
    const stack = viewer.querySelector(".stack");
    stack.addEventListener("wheel", (e) => { e.preventDefault(); go(Math.sign(e.deltaY)); }, { passive: false });
    stack.addEventListener("keydown", (e) => {
      const steps = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1, PageDown: 10, PageUp: -10 };
      if (e.key in steps) { e.preventDefault(); go(steps[e.key]); }
    });
  }
}

viewers(document);
refresh();
