"""What was measured, as a table, as data and as plots."""

import json

import plot

GROUPS = {"commits": "One-row transactions", "builtin": "The built-in log of the injected library",
          "heartbeat": "Heartbeats beside heavy queries", "reads": "Reads", "large": "A large transaction",
          "readers": "Log size beside readers", "checkpoint": "Commits during a checkpoint",
          "recovery": "Opening after a crash", "memory": "Memory",
          "upgrades": "Upgrades from reading to writing", "speedtest1": "speedtest1",
          "system calls": "System calls for each commit"}


def number(value):
    if value is None:
        return ""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def interval(ratio):
    if not ratio:
        return "", ""
    spread = f"{number(ratio['low'])} to {number(ratio['high'])}" if "low" in ratio else ""
    return f"{ratio['median']:.3g}", spread


def target_of(line):
    if line["target"] is None:
        return ""
    return ("≥ " if line["higher_is_better"] else "≤ ") + number(line["target"]) + (" (itself)" if line["absolute"] else "")


def rows_of(result):
    if "error" in result:
        yield [result["name"], "not measured: " + result["error"].splitlines()[-1][:160], "", "", "", "", "", ""]
        return
    for i, line in enumerate(result["lines"]):
        medians = list(line["medians"].values())
        ours = medians[1] if len(medians) > 1 else None
        ratio, spread = interval(line.get("ratio"))
        yield [result["name"] if i == 0 else "", line["what"], number(medians[0] if medians else None), number(ours),
               ratio, spread, target_of(line), line["verdict"]]


HEAD = ["workload", "what", "stock", "Strata", "ratio", "95% interval", "target", "holds"]


def table(results):
    lines = ["| " + " | ".join(HEAD) + " |", "|" + "---|" * len(HEAD)]
    for result in results:
        lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows_of(result)]
    return "\n".join(lines)


def markdown(machine, results):
    parts = ["# Measured", "", "Written by `bench/run.py`; [README.md](README.md) says what each workload is. Ratios are "
             "Strata's number by stock's, the median over pairs run in turn, with the 95% confidence interval of their "
             "geometric mean.", "", "| | |", "|---|---|", *(f"| {k} | {v} |" for k, v in machine.items()), ""]
    for group, title in GROUPS.items():
        mine = [result for result in results if result["group"] == group]
        if not mine:
            continue
        loads = [result["load"][0] for result in mine if "load" in result]
        dates = sorted({f"{m['date']} at {m['commit']}" for m in (r["measured"] for r in mine if "measured" in r)})
        parts += [f"## {title}", "", table(mine), ""]
        if loads:
            parts += [f"Measured {', '.join(dates)}; the machine's load was {min(loads):.0f} to {max(loads):.0f}.", ""]
        parts += [f"![{title}]({name})\n" for name in plots_of(group, mine)]
    return "\n".join(parts)


def plots_of(group, results):
    """{file name: SVG} of a group."""
    plots = {}
    rows = []
    for result in results:
        for line in result.get("lines", []):
            ratio = line.get("ratio")
            if ratio and (line["target"] is not None and not line["absolute"] or line is result["lines"][0]):
                rows.append((f"{result['name'][:34]}: {line['what']}"[:52], ratio["median"], ratio.get("low"),
                             ratio.get("high"), None if line["absolute"] else line["target"]))
    stem = group.replace(" ", "-")
    if rows:
        plots[f"{stem}.svg"] = plot.ratio_bars("Strata by stock (red: target)", rows)
    for result in results:
        series = {arm: rounds[0]["log_bytes_over_time"] for arm, rounds in result.get("rounds", {}).items()
                  if rounds and "log_bytes_over_time" in rounds[0]}
        if series:
            series = {arm: [[t, size / 1e6] for t, size in points] for arm, points in series.items()}
            plots[f"{stem}-{result['parameters']['readers']}.svg"] = plot.over_time(result["name"], "log, MB", series)
    return plots


def write(folder, machine, results):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps({"machine": machine, "results": results}, indent=1) + "\n")
    (folder / "results.md").write_text(markdown(machine, results) + "\n")
    for group in GROUPS:
        for name, svg in plots_of(group, [r for r in results if r["group"] == group]).items():
            (folder / name).write_text(svg)
