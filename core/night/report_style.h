/* The page's look. One file of its own: the words are in report_html.c. */
#ifndef CORE_NIGHT_REPORT_STYLE_H
#define CORE_NIGHT_REPORT_STYLE_H

#include <stddef.h>

/* In pieces, for C promises no more than 4,095 characters in one. */
static const char *const report_style[] = {
    ":root{color-scheme:light "
    "dark;--bg:#faf9f6;--card:#fff;--ink:#1c2226;--dim:#5d6972;--line:#e3e2dc;--old:#b26a00;--new:#00767d;--"
    "good:#1a7a43;--warn:#9a6700;--bad:#b3261e;--people:#6a4c9c;--shade:#b3261e14}",
    "@media(prefers-color-scheme:dark){:root{--bg:#13171a;--card:#1b2024;--ink:#e4e7e8;--dim:#98a4ab;--line:#"
    "2d343a;--old:#f0a63c;--new:#3fc6cd;--good:#57c785;--warn:#e0b341;--bad:#ff7b72;--people:#b79cf0;--shade:"
    "#ff7b721f}}",
    "*{box-sizing:border-box}",
    "body{margin:0;background:var(--bg);color:var(--ink);font:16px/1.5 system-ui,-apple-system,\"Segoe "
    "UI\",Roboto,\"Helvetica Neue\",Arial,sans-serif;-webkit-text-size-adjust:100%}",
    "main{max-width:1080px;margin:0 auto;padding:2.5rem 1.25rem 4rem}",
    ".over{color:var(--dim);font-size:.85rem;letter-spacing:.04em;margin:0}",
    "h1{font-size:2.4rem;line-height:1.15;margin:.25rem 0 "
    ".75rem;display:flex;flex-wrap:wrap;gap:.75rem;align-items:center}",
    "h2{font-size:1.2rem;margin:3rem 0 .9rem;padding-bottom:.4rem;border-bottom:1px solid var(--line)}",
    "h3{font-size:1rem;margin:0}",
    ".badge{font-size:1rem;font-weight:600;padding:.15rem "
    ".8rem;border-radius:2rem;color:var(--bg);background:var(--dim)}",
    ".badge.good{background:var(--good);color:var(--bg)}",
    ".badge.bad{background:var(--bad);color:var(--bg)}",
    ".lead{font-size:1.2rem;max-width:46rem;margin:0 0 .6rem}",
    ".dim{color:var(--dim)}",
    ".good{color:var(--good)}",
    ".warn{color:var(--warn)}",
    ".bad{color:var(--bad)}",
    ".people{color:var(--people)}",
    ".old{color:var(--old)}",
    ".new{color:var(--new)}",
    ".tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:.8rem;margin:1.6rem 0 "
    "0}",
    ".tile{background:var(--card);border:1px solid var(--line);border-radius:.6rem;padding:.8rem 1rem}",
    ".tile b{display:block;font-size:1.7rem;line-height:1.2;font-variant-numeric:tabular-nums}",
    ".tile span{color:var(--dim);font-size:.85rem}",
    ".num,td.n,time,.took{font-variant-numeric:tabular-nums}",
    ".axis,.row{display:grid;grid-template-columns:13rem 1fr 8.5rem;gap:.75rem;align-items:center}",
    ".dns .axis,.dns .row{grid-template-columns:19rem 1fr 5rem}",
    ".axis{color:var(--dim);font-size:.8rem;margin-bottom:.3rem}",
    ".ticks{position:relative;height:1.3rem}",
    ".ticks i{position:absolute;font-style:normal;white-space:nowrap;transform:translateX(-50%)}",
    ".ticks i:first-child{transform:none}",
    ".ticks i:last-child{transform:translateX(-100%)}",
    ".phase{margin:.9rem 0 .2rem;color:var(--dim);font-size:.85rem}",
    ".row{min-height:1.6rem;font-size:.95rem}",
    ".row>span{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}",
    ".track{position:relative;height:.95rem;background:var(--line);border-radius:.2rem;overflow:hidden}",
    ".track i{position:absolute;top:0;bottom:0;min-width:2px;background:var(--dim)}",
    ".track i.down{background:var(--shade)}",
    ".track i.good{background:var(--good)}",
    ".track i.bad{background:var(--bad)}",
    ".track i.people{background:var(--people)}",
    ".track i.old{background:var(--old)}",
    ".track i.new{background:var(--new)}",
    ".track i.else{background:var(--dim)}", /* beside OLD's orange a yellow could not be told */
    ".track i.flip{width:2px;background:var(--ink)}",
    ".took{color:var(--dim);font-size:.85rem}",
    ".key{display:flex;flex-wrap:wrap;gap:.3rem 1.2rem;color:var(--dim);font-size:.85rem;margin:.8rem 0 0}",
    ".key i{display:inline-block;width:.9rem;height:.7rem;border-radius:.15rem;margin-right:.4rem}",
    ".key .good{background:var(--good)}",
    ".key .bad{background:var(--bad)}",
    ".key .people{background:var(--people)}",
    ".key .old{background:var(--old)}",
    ".key .new{background:var(--new)}",
    ".key .else{background:var(--dim)}",
    ".key .down{background:var(--shade);outline:1px solid var(--line)}",
    ".gate{background:var(--card);border:1px solid var(--line);border-left:4px solid "
    "var(--people);border-radius:.4rem;padding:.7rem 1rem;margin:.7rem 0}",
    ".gate ul,.plain{margin:.4rem 0 0;padding:0;list-style:none}",
    ".todo li{padding:.35rem 0}",
    ".todo time{display:inline-block;min-width:6.2rem}",
    ".gate li,.plain li{padding:.1rem 0;overflow-wrap:anywhere}",
    ".v{display:inline-block;min-width:4.6rem;font-weight:600;font-size:.85rem}",
    ".scroll{overflow-x:auto}",
    "table{border-collapse:collapse;width:100%;font-size:.95rem}",
    "th{text-align:left;color:var(--dim);font-weight:500;font-size:.85rem}",
    "th,td{padding:.3rem .8rem .3rem 0;border-bottom:1px solid var(--line);vertical-align:top}",
    "td.n,th.n{text-align:right;white-space:nowrap}",
    "details{margin:.6rem 0}",
    "summary{cursor:pointer;color:var(--dim)}",
    ".moments{list-style:none;margin:0;padding:0}",
    ".moments li{display:grid;grid-template-columns:5.2rem 1fr;gap:.75rem;padding:.15rem "
    "0;overflow-wrap:anywhere}",
    ".moments time{color:var(--dim)}",
    "code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.9em;overflow-wrap:"
    "anywhere}",
    "@media(max-width:640px){main{padding-top:1.25rem}",
    "h1{font-size:1.8rem}",
    ".lead{font-size:1.05rem}",
    ".tile:last-child:nth-child(odd){grid-column:1/-1}",
    "th,td{padding-right:.5rem}",
    ".axis{grid-template-columns:1fr}",
    ".axis>span,.ticks i:nth-child(even){display:none}",
    ".dns .axis{grid-template-columns:1fr}",
    ".row,.dns .row{grid-template-columns:1fr auto;gap:0 .6rem;padding:.3rem 0}",
    ".row .track{grid-column:1/3;grid-row:2}",
    ".moments li{grid-template-columns:4.4rem 1fr}}",
    "@media print{body{background:#fff}",
    "main{max-width:none;padding:0}",
    "h2{break-after:avoid}",
    ".gate,.row{break-inside:avoid}",
    "*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}",
    NULL,
};

#endif
