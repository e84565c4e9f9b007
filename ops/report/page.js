"use strict";
(function () {
  const cards = Array.from(document.querySelectorAll(".photo"));
  const toolbar = document.getElementById("toolbar");
  if (toolbar && cards.length > 0) {
    const gallery = document.getElementById("gallery");
    const which = document.getElementById("which");
    const order = document.getElementById("order");
    const words = document.getElementById("words");
    const count = document.getElementById("count");
    toolbar.hidden = false;

    const value = (card, key) => {
      const text = card.dataset[key];
      return text === undefined || text === "" ? NaN : Number(text);
    };
    const compare = () => {
      const [key, direction] = order.value.split(" ");
      if (key === "name") return (a, b) => a.dataset.name.localeCompare(b.dataset.name);
      const sign = direction === "down" ? -1 : 1;
      return (a, b) => {
        const x = value(a, key), y = value(b, key);
        if (isNaN(x) || isNaN(y)) return (isNaN(x) ? 1 : 0) - (isNaN(y) ? 1 : 0);
        return sign * (x - y);
      };
    };
    const show = () => {
      const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const card of cards) {
        const inGallery = which.value === "" || card.dataset.galleries.split(",").includes(which.value);
        card.hidden = !(inGallery && wanted.every((word) => card.dataset.words.includes(word)));
        if (!card.hidden) ++shown;
      }
      cards.slice().sort(compare()).forEach((card) => gallery.appendChild(card));
      count.textContent = shown + " of " + cards.length + " photos";
    };
    for (const control of [which, order]) control.addEventListener("change", show);
    words.addEventListener("input", show);
    show();
  }

  const download = document.getElementById("download");
  if (download) {
    download.hidden = false;
    download.addEventListener("click", () => {
      const text = document.getElementById("report-data").textContent;
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
      link.download = "photoscribe-report.json";
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    });
  }
})();
