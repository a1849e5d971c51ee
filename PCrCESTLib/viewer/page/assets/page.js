// What a page does that the server cannot: counts strokes, sends files, fetches results, listens to keys.
(() => {
  let presses = 0;
  let releases = 0;
  let isPressed = false;
  const server = () => window.trame;
  const isView = (target) => target instanceof Element && target.closest(".pcr-views") !== null;

  // Counted as the views send them, so that the server knows which strokes an edit has to wait for.
  document.addEventListener("pointerdown", (event) => {
    if (event.button === 0 && isView(event.target)) { presses += 1; isPressed = true; }
  }, true);
  for (const kind of ["pointerup", "pointercancel"]) {
    document.addEventListener(kind, (event) => {
      if (event.button <= 0 && isPressed) { releases += 1; isPressed = false; }
    }, true);
  }

  const edit = (name, value = null) => server().trigger("edit", [name, value, presses, releases]);

  const opened = () => { presses = 0; releases = 0; isPressed = false; server().trigger("page_opened"); };

  const KEYS = ["b", "e", "o", "p", "t", "r", "z", "y", "[", "]", "Escape", "ArrowUp", "ArrowDown"];
  document.addEventListener("keydown", (event) => {
    const target = event.target;
    const types = target instanceof Element && target.closest("input, textarea, [contenteditable], .v-overlay__content");
    if (types || event.altKey) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const withControl = event.ctrlKey || event.metaKey;
    if (withControl && !["z", "y"].includes(key)) return;
    if (!withControl && ["z", "y"].includes(key)) return;
    if (key === "?") { server().state.set("help_open", true); return; }
    if (!KEYS.includes(key)) return;
    event.preventDefault();
    server().trigger("key", [withControl && event.shiftKey && key === "z" ? "y" : key, presses, releases]);
  });

  const upload = async (files) => {
    const chosen = [...files];
    if (chosen.length === 0) return;
    const batch = crypto.getRandomValues(new Uint32Array(4)).reduce((text, n) => text + n.toString(16), "");
    const state = server().state;
    let done = 0;
    const all = chosen.reduce((sum, file) => sum + file.size, 0) || 1;
    try {
      for (const file of chosen) {
        state.set("upload_percent", Math.round((100 * done) / all) || 1);
        const path = encodeURIComponent(file.webkitRelativePath || file.name);
        const answer = await fetch(`upload?batch=${batch}&path=${path}`, { method: "POST", body: file });
        if (!answer.ok) throw new Error((await answer.text()).replace(/<[^>]*>/g, " ").trim() || answer.statusText);
        done += file.size;
      }
      server().trigger("uploaded", [batch]);
    } catch (error) {
      state.set("error", `The upload failed: ${error.message}`);
    } finally {
      state.set("upload_percent", 0);
    }
  };

  const pick = (isFolder) => {
    const input = document.createElement("input");
    input.type = "file";
    input.multiple = true;
    input.webkitdirectory = isFolder;
    input.addEventListener("change", () => upload(input.files));
    input.click();
  };

  const fetchDownload = (download) => {
    if (!download || !download.name) return;
    const link = document.createElement("a");
    link.href = `download/${encodeURIComponent(download.name)}`;
    link.download = download.name;
    document.body.append(link);
    link.click();
    link.remove();
  };

  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => { event.preventDefault(); upload(event.dataTransfer.files); });

  // The connection ends with the session, and also where a line breaks or a computer sleeps. As soon as the server
  // answers, the page of the session is there again, or the one that says why it ended.
  let isLeaving = false;
  window.addEventListener("beforeunload", () => { isLeaving = true; });
  const comeBack = async () => {
    if (isLeaving) return;
    try {
      await fetch(location.href, { cache: "no-store" });
      location.reload();
    } catch {
      setTimeout(comeBack, 2000);
    }
  };

  const install = () => {
    if (!window.trame || !window.trame.utils) { setTimeout(install, 20); return; }
    window.trame.utils.pcrcest = { edit, opened, pick, upload, fetchDownload };
    window.trame.client.onConnectionClose(comeBack);
  };
  install();
})();
