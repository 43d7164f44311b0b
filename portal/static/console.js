// Keys and dialogs of the console. Everything works without it, by links and
// forms; it only saves steps.
"use strict";
(function () {
  const typing = (e) => e.target.closest("input, textarea, select, [contenteditable]");
  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || typing(e)) return;
    const field = document.querySelector('[data-key="' + CSS.escape(e.key) + '"]');
    if (!field) return;
    e.preventDefault();
    field.focus();
  });
  // A form that came back with faults: its dialog opens again, the summary is read.
  const settle = (root) => {
    const dialog = root.querySelector("[popover][data-open]");
    if (dialog && dialog.showPopover && !dialog.matches(":popover-open")) dialog.showPopover();
    const summary = root.querySelector(".errsum");
    if (summary) summary.focus();
  };
  settle(document);
  document.addEventListener("htmx:after:swap", () => settle(document));
  // A form is sent once, however often its button is pressed.
  document.addEventListener("submit", (e) => {
    if (e.target.method === "dialog" || e.target.method === "get") return;
    if (e.target.dataset.sent) { e.preventDefault(); return; }
    e.target.dataset.sent = "1";
    setTimeout(() => delete e.target.dataset.sent, 4000);
  });
  document.addEventListener("click", (e) => {
    if (e.target.closest("[data-print]")) window.print();
  });
  document.addEventListener("change", (e) => {
    if (e.target.matches("[data-submit]")) e.target.form.requestSubmit();
    if (e.target.matches("[data-all]")) {
      for (const box of document.querySelectorAll('input[type="checkbox"][name="' + CSS.escape(e.target.dataset.all) + '"]')) box.checked = e.target.checked;
    }
  });
})();
