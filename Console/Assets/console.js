// What a page cannot do from the server: the system's theme, the time zone, cookies of its own settings, the clipboard.
(() => {
  const keep = (name, value) => { document.cookie = `${name}=${value}; path=/; max-age=31536000; samesite=strict`; };
  window.korConsole = {
    system: () => ({ dark: window.matchMedia('(prefers-color-scheme: dark)').matches, offset: -new Date().getTimezoneOffset() }),
    theme: dark => { keep('kor-theme', dark ? 'dark' : 'light'); document.documentElement.dataset.theme = dark ? 'dark' : 'light'; },
    shown: dark => { document.documentElement.dataset.theme = dark ? 'dark' : 'light'; },
    zone: local => keep('kor-zone', local ? 'local' : 'utc'),
    line: (id, number) => {
      const field = document.getElementById(id);
      if (!field) return;
      const lines = field.value.split('\n');
      const from = lines.slice(0, number - 1).reduce((sum, line) => sum + line.length + 1, 0);
      field.focus();
      field.setSelectionRange(from, from + (lines[number - 1] ?? '').length);
      field.scrollIntoView({ block: 'nearest' });
    },
    copy: text => navigator.clipboard?.writeText(text) ?? Promise.resolve(),
  };
  // "/" leads to the filter of a page, as elsewhere.
  document.addEventListener('keydown', e => {
    if (e.key !== '/' || e.ctrlKey || e.metaKey || e.altKey || /^(input|textarea|select)$/i.test(e.target.tagName)) return;
    const filter = document.querySelector('[data-filter]');
    if (!filter) return;
    e.preventDefault();
    filter.focus();
  });
})();
