// Of the gallery: its first pictures, asked for while the modules are still on their way. What they
// open with is in the page itself (tools.js).
(() => {
  if (!/^#\/gallery\??$/.test(location.hash)) return;
  const first = JSON.parse(document.getElementById("first").textContent || "{}");
  const list = Object.keys(first).find((url) => url.startsWith("/api/photos?"));
  for (const photo of list ? first[list].rows.slice(0, 8) : []) {
    new Image().src = `/api/photos/${photo.id}/picture?v=${encodeURIComponent(photo.v)}`;
  }
})();
