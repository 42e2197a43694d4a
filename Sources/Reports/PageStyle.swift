/// How the page looks: light or dark as the reader's system is, from the width of a phone on.
enum PageStyle {
  static let text = """
    :root {
      color-scheme: light dark;
      --ground: #f6f7f9; --card: #ffffff; --ink: #171a21; --soft: #5b6472; --rule: #dfe3e8; --accent: #2458d3;
      --isolated: #0a8a75; --good: #14763c; --bad: #c2250c; --limit: #7a5b00; --band: #eef1f5;
      --s0: #c3ccd6; --s1: #bfe3dc; --s2: #7cc7b8; --s3: #2f9c88; --s4: #f5a623; --s5: #ea6420; --s6: #c4170c;
    }
    @media (prefers-color-scheme: dark) {
      :root {
        --ground: #101318; --card: #181c23; --ink: #e8ebf0; --soft: #9aa5b4; --rule: #2b323c; --accent: #7ba4ff;
        --isolated: #3fd0b4; --good: #57d287; --bad: #ff7a5f; --limit: #e0bb4f; --band: #1e232b;
        --s0: #3b4450; --s1: #24504a; --s2: #2c7a6d; --s3: #3db39d; --s4: #e0a02e; --s5: #ee7236; --s6: #f2402c;
      }
    }
    * { box-sizing: border-box; }
    body { margin: 0; background: var(--ground); color: var(--ink);
      font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
    main { max-width: 1120px; margin: 0 auto; padding: 20px 20px 64px; }
    code, .name, .number, .alone, td { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
      font-size: 0.875em; }
    a { color: var(--accent); }
    a:focus-visible, summary:focus-visible, input:focus-visible, .scroll:focus-visible {
      outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 4px; }
    h1 { font-size: 1.05rem; font-weight: 500; margin: 4px 0 16px; overflow-wrap: anywhere; color: var(--soft); }
    h1 code { color: var(--ink); }
    h2 { font-size: 1.25rem; margin: 0 0 8px; letter-spacing: -0.01em; }
    section, .verdict { background: var(--card); border: 1px solid var(--rule); border-radius: 14px;
      padding: 22px 24px; margin: 0 0 18px; }
    .note { color: var(--soft); font-size: 0.875rem; margin: 0 0 10px; }
    .verdict { border-top: 6px solid var(--good); }
    .verdict.fail { border-top-color: var(--bad); }
    .stamp { font-size: 2.25rem; line-height: 1.1; font-weight: 700; margin: 0; color: var(--good); letter-spacing: -0.02em; }
    .fail .stamp { color: var(--bad); }
    .facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); gap: 14px 18px; margin: 0; }
    .facts dt { color: var(--soft); font-size: 0.8125rem; line-height: 1.3; }
    .facts dd { margin: 2px 0 0; font-size: 1.125rem; font-weight: 600; overflow-wrap: anywhere; }
    .facts div { display: flex; flex-direction: column; justify-content: space-between; }
    .doubt { border-left: 4px solid var(--limit); padding: 6px 12px; margin: 18px 0 0; background: var(--band);
      border-radius: 0 8px 8px 0; }
    .divergence { margin-top: 20px; padding-top: 16px; border-top: 1px solid var(--rule); }
    .divergence h2 { font-size: 1.0625rem; overflow-wrap: anywhere; }
    .divergence p { margin: 6px 0; overflow-wrap: anywhere; }
    .divergence .hint { border-left: 4px solid var(--accent); padding: 6px 12px; background: var(--band);
      border-radius: 0 8px 8px 0; }
    .legend { display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 0 0 12px; font-size: 0.8125rem; color: var(--soft); }
    .key { display: inline-flex; align-items: center; gap: 6px; }
    .key.propagated::before, .key.isolated::before, .key.limit::before { content: ""; width: 18px; height: 0;
      border-top: 2px solid var(--accent); }
    .key.isolated::before { content: ""; width: 9px; height: 9px; border: 0; border-radius: 50%;
      background: var(--isolated); }
    .key.limit::before { border-top: 2px dashed var(--limit); }
    .key.failing::before { content: ""; width: 9px; height: 9px; border-radius: 50%; background: var(--bad); }
    .chip { display: inline-block; width: 14px; height: 14px; border-radius: 4px; flex: none; background: var(--s0); }
    .chip.fused { background: none; box-sizing: border-box; border: 1px dashed var(--s3); }
    .s1 { background: var(--s1); } .s2 { background: var(--s2); } .s3 { background: var(--s3); }
    .s4 { background: var(--s4); } .s5 { background: var(--s5); } .s6 { background: var(--s6); }
    .m1 { background: #d6dae0; border: 1px solid var(--rule); } .m2 { background: #ff7a00; } .m3 { background: #008cff; }
    .plot { margin: 0; }
    svg { display: block; width: 100%; height: auto; }
    svg.narrow { display: none; }
    .band { fill: var(--band); } .band.other { fill: transparent; }
    .grid { stroke: var(--rule); stroke-width: 1; }
    .scale, .part { fill: var(--soft); font-size: 11px; font-family: inherit; }
    polyline { fill: none; stroke-width: 1.5; stroke-linejoin: round; }
    .propagated { stroke: var(--accent); } circle.alone { fill: var(--isolated); }
    path.limit, line.limit { stroke: var(--limit); stroke-width: 1.5; stroke-dasharray: 5 4; fill: none; }
    .dot { fill: var(--accent); } .dot.failing { fill: var(--bad); }
    .dot:hover { stroke: var(--ink); stroke-width: 2; }
    .tree { font-size: 0.9375rem; }
    .tree details { border-left: 1px solid var(--rule); margin-left: 7px; padding-left: 12px; }
    .tree > details { border-left: 0; margin-left: 0; padding-left: 0; }
    .tree summary, .leaf { display: flex; align-items: center; gap: 10px; padding: 3px 6px; border-radius: 6px;
      text-decoration: none; color: inherit; cursor: pointer; min-height: 32px; }
    .tree summary:hover, .leaf:hover, .tap summary:hover { background: var(--band); }
    .leaf { margin-left: 19px; } .leaf .name, .calls .name { color: var(--soft); }
    summary { list-style: none; } summary::-webkit-details-marker { display: none; }
    .tree summary::before, .tap summary::before, .extra summary::before { content: "▸"; color: var(--soft); width: 0.75em;
      flex: none; font-size: 0.8em; }
    details[open] > summary::before { content: "▾"; }
    .tree .name { flex: 1; overflow-wrap: anywhere; min-width: 0; }
    .count { color: var(--soft); font-size: 0.8125rem; white-space: nowrap; } .bad { color: var(--bad); }
    .good { color: var(--good); }
    .number { min-width: 5.2em; text-align: right; white-space: nowrap; }
    .masks { display: grid; grid-template-columns: repeat(auto-fill, minmax(200px, 1fr)); gap: 18px; }
    .masks figure { margin: 0; } img { image-rendering: pixelated; width: 100%; height: auto; display: block;
      border-radius: 8px; }
    .masks figcaption { display: flex; flex-direction: column; font-size: 0.8125rem; color: var(--soft); margin-top: 6px;
      overflow-wrap: anywhere; }
    .masks figcaption code { color: var(--ink); }
    .controls { display: flex; flex-wrap: wrap; gap: 10px 20px; align-items: center; margin: 0 0 12px; }
    .controls[hidden], .tap[hidden] { display: none; }
    .controls label { display: inline-flex; align-items: center; gap: 6px; min-height: 32px; }
    input[type=search] { font: inherit; color: inherit; background: var(--ground); border: 1px solid var(--rule);
      border-radius: 8px; padding: 5px 10px; width: 14em; max-width: 60vw; }
    input[type=checkbox] { width: 18px; height: 18px; accent-color: var(--accent); }
    .tap { border-top: 1px solid var(--rule); scroll-margin-top: 12px; }
    .tap summary { display: grid; grid-template-columns: 0.75em 14px minmax(0, 1fr) 1.2em 5.6em 8.2em; gap: 10px;
      align-items: center; padding: 6px; cursor: pointer; border-radius: 6px; min-height: 36px; }
    .tap .name { overflow-wrap: anywhere; } .alone { color: var(--isolated); text-align: right; }
    .tap[open] { padding-bottom: 16px; } .problem { color: var(--bad); margin: 4px 0 12px 30px; overflow-wrap: anywhere; }
    .panels { display: grid; grid-template-columns: repeat(auto-fit, minmax(260px, 1fr)); gap: 20px 28px;
      padding: 6px 6px 6px 30px; align-items: start; }
    .numbers { display: grid; grid-template-columns: minmax(0, auto) minmax(0, auto); gap: 3px 16px; margin: 0;
      font-size: 0.8125rem; align-content: start; }
    .numbers dt { color: var(--soft); } .numbers dd { margin: 0; text-align: right; overflow-wrap: anywhere;
      font-variant-numeric: tabular-nums; }
    .panels figure { margin: 0; max-width: 340px; } .panels figcaption { font-size: 0.8125rem; font-weight: 600;
      margin-bottom: 4px; }
    .panels .note { margin: 4px 0 0; font-size: 0.75rem; }
    .bar { fill: var(--accent); } .bar.equal { fill: var(--s0); } .bar.past { fill: var(--bad); }
    .heat img { max-width: 220px; border: 1px solid var(--rule); }
    .ramp { display: inline-block; width: 60px; height: 9px; border-radius: 3px; margin-right: 6px;
      background: linear-gradient(90deg, #080818, #46146e, #962864, #de503c, #fca514, #fcfaa0); }
    .extra { margin-top: 14px; } .extra summary { cursor: pointer; }
    .scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; min-width: 560px; }
    th, td { text-align: left; vertical-align: top; padding: 7px 14px 7px 0; border-top: 1px solid var(--rule);
      overflow-wrap: anywhere; }
    th { font-weight: 500; color: var(--soft); font-size: 0.875rem; white-space: nowrap; }
    tr:first-child th { border-top: 0; } .differs th, .differs td { color: var(--bad); }
    @media (max-width: 640px) {
      main { padding: 10px 10px 40px; } section, .verdict { padding: 16px 14px; border-radius: 12px; }
      svg.wide { display: none; } svg.narrow { display: block; }
      .facts { grid-template-columns: repeat(2, minmax(0, 1fr)); }
      .masks { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 12px; }
      .tree details { margin-left: 4px; padding-left: 7px; } .leaf { margin-left: 8px; }
      .tree summary, .leaf { gap: 7px; min-height: 40px; } .leaf .count { display: none; }
      .tap summary { grid-template-columns: 0.75em 14px minmax(0, 1fr) auto; gap: 4px 8px; min-height: 44px; }
      .tap .name { grid-column: 3 / 4; } .tap .mark { grid-column: 4 / 5; }
      .tap .number { grid-column: 3 / 4; text-align: left; color: var(--soft); }
      .tap .alone { grid-column: 4 / 5; white-space: nowrap; } .tap .alone:empty { display: none; }
      .panels { padding-left: 6px; grid-template-columns: minmax(0, 1fr); } .problem { margin-left: 6px; }
      table { min-width: 0; } .scroll table, .scroll tbody, .scroll tr { display: block; }
      .scroll tr { display: grid; grid-template-columns: 1fr 1fr; border-top: 1px solid var(--rule); padding: 6px 0; }
      .scroll th[scope=row], .scroll tr:first-child th:first-child { grid-column: 1 / 3; }
      th, td { border-top: 0; padding: 2px 8px 2px 0; min-width: 0; } .scroll td { font-size: 0.75rem; }
    }
    @media print { section { break-inside: avoid; } .controls { display: none; } }
    """
}
