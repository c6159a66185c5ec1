"""The page: each picture as the browser shows it beside our thumbnail, and how far they are apart.

The browser itself measures: it draws both into canvases, scales its own rendering down by averaging, and compares premultiplied
samples. So a filter that is sharper than the average costs a little everywhere; a wrong colour, orientation or opacity costs much.
"""

import argparse
import html
import json
import re
import subprocess
import tempfile
from pathlib import Path

# Below this many decibels, or with a channel this far off on the average, two pictures are not the same.
SAME_DECIBELS = 27.0
SAME_MEAN = 3.0

STYLE = """
body { font: 13px sans-serif; margin: 8px; background: #f4f4f4 }
section { display: flex; flex-wrap: wrap; gap: 6px }
h2 { margin: 6px 0 }
figure { margin: 0; padding: 4px; background: #fff; border: 2px solid #bbb; width: 516px }
figure.differs { border-color: #d00 }
figcaption { height: 32px; overflow: hidden }
.pair { display: flex; gap: 6px; align-items: flex-start; min-height: 60px }
.pair > * { width: 250px }
img { display: block; max-width: 250px; height: auto; margin: auto;
  background: repeating-conic-gradient(#ccc 0 25%, #fff 0 50%) 0 0 / 16px 16px }
.small .pair > * { width: 125px } .small img { max-width: 125px } .small figure { width: 262px }
p { margin: 0; color: #a00; padding: 8px; box-sizing: border-box }
"""

SCRIPT = """
function samples(image, width, height) {
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [width, height];
    const context = canvas.getContext('2d', { willReadFrequently: true });
    context.imageSmoothingEnabled = false;
    context.drawImage(image, 0, 0, width, height);
    const bytes = context.getImageData(0, 0, width, height).data, out = new Float64Array(bytes.length);
    for (let at = 0; at < bytes.length; at += 4) {
        for (let c = 0; c < 3; c++) out[at + c] = bytes[at + c] * bytes[at + 3] / 255;
        out[at + 3] = bytes[at + 3];
    }
    return out;
}
// One axis of averaging: what share of each source sample a target sample covers.
function shares(from, to) {
    const step = from / to;
    return Array.from({ length: to }, (_, at) => {
        const all = [];
        for (let s = Math.floor(at * step); s < Math.min(from, Math.ceil((at + 1) * step - 1e-9)); s++) {
            all.push([s, (Math.min(s + 1, (at + 1) * step) - Math.max(s, at * step)) / step]);
        }
        return all;
    });
}
function averaged(source, width, height, toWidth, toHeight) {
    const across = shares(width, toWidth), down = shares(height, toHeight);
    const narrow = new Float64Array(toWidth * height * 4), out = new Float64Array(toWidth * toHeight * 4);
    for (let y = 0; y < height; y++) for (let x = 0; x < toWidth; x++) for (const [s, share] of across[x])
        for (let c = 0; c < 4; c++) narrow[(y * toWidth + x) * 4 + c] += share * source[(y * width + s) * 4 + c];
    for (let y = 0; y < toHeight; y++) for (const [s, share] of down[y]) for (let x = 0; x < toWidth; x++)
        for (let c = 0; c < 4; c++) out[(y * toWidth + x) * 4 + c] += share * narrow[(s * toWidth + x) * 4 + c];
    return out;
}
function cover(picture) {
    let sum = 0;
    for (let at = 3; at < picture.length; at += 4) sum += picture[at] > 0;
    return sum * 4 / picture.length;
}
function distance(a, b, counts) {
    const bias = [0, 0, 0, 0];
    let squares = 0, sum = 0, many = 0;
    for (let at = 0; at < b.length; at++) if (counts(at)) {
        const off = b[at] - a[at];
        bias[at % 4] += off; squares += off * off; sum += Math.abs(off); many++;
    }
    if (!many) return {};
    const decibels = Math.min(99, 10 * Math.log10(255 * 255 / (squares / many)));
    return { mean: sum / many, decibels, bias: bias.map(total => total * 4 / many) };
}
function compare(theirs, ours) {
    let shown = theirs.complete && theirs.naturalWidth > 0;
    // Some damaged files have a size and nothing else.
    if (shown) shown = cover(samples(theirs, theirs.naturalWidth, theirs.naturalHeight)) > 0;
    if (!shown || !ours) return { shown, size: shown ? [theirs.naturalWidth, theirs.naturalHeight] : null };
    const [width, height, toWidth, toHeight] = [theirs.naturalWidth, theirs.naturalHeight, ours.naturalWidth, ours.naturalHeight];
    const result = { shown, size: [width, height], thumbnail: [toWidth, toHeight] };
    if (toWidth > width || toHeight > height) return result;
    const a = averaged(samples(theirs, width, height), width, height, toWidth, toHeight);
    const b = samples(ours, toWidth, toHeight);
    Object.assign(result, distance(a, b, () => true));
    // Browsers leave empty what is missing of a damaged picture.
    const there = at => a[at - at % 4 + 3] > 254;
    result.covered = cover(a);
    result.ours = cover(b);
    if (result.covered > 0) result.where = distance(a, b, there).decibels;
    return result;
}
addEventListener('load', () => {
    for (const figure of document.querySelectorAll('figure')) {
        const [theirs, ours] = [figure.querySelector('.theirs'), figure.querySelector('img.ours')];
        const result = compare(theirs, ours);
        figure.dataset.result = JSON.stringify(result);
        figure.querySelector('.figures').textContent = !result.shown ? 'the browser shows nothing'
            : result.decibels === undefined ? result.size.join(' x ')
            : `${result.size.join(' x ')}, ${result.decibels.toFixed(1)} dB, bias ${result.bias.map(b => b.toFixed(1)).join(' ')}`;
    }
    const only = decodeURIComponent(location.hash.slice(1)).split('/');
    if (only[0]) {
        for (const part of document.querySelectorAll('.part')) if (part.id !== only[0]) part.remove();
        const figures = [...document.querySelectorAll('figure')];
        figures.forEach((figure, at) => { if (at < +only[1] || at >= +only[2]) figure.remove(); });
    }
});
"""


def thumbnails(program, pictures, folder):
    """What the pipeline makes of each file."""
    names = "".join(f"{pictures / entry['file']}\n" for entry in json.loads((pictures / "pictures.json").read_text()))
    done = subprocess.run([program, folder], input=names, stdout=subprocess.PIPE, text=True, check=True)
    outcomes = {}
    for line in done.stdout.splitlines():
        name, *rest = line.split("\t")
        outcomes[Path(name).name] = rest
    return outcomes


def page(entries, outcomes):
    """The page as HTML."""
    out = ["<!doctype html><meta charset=utf-8><title>Thumbnails</title>", f"<style>{STYLE}</style>", f"<script>{SCRIPT}</script>"]
    for section in dict.fromkeys(entry["section"] for entry in entries):
        small = "small" if section == "orientation" else ""
        out.append(f"<div class='part {small}' id={section}><h2>{section}: the browser, and our thumbnail of 250</h2><section>")
        for entry in entries:
            if entry["section"] != section:
                continue
            state, *rest = outcomes[entry["file"]]
            theirs = f"pictures/{entry.get('reference', entry['file'])}"
            ours = f"<img class=ours src='thumbnails/{rest[5]}'>" if state == "ready" else f"<p>{state}: {html.escape(rest[0])}</p>"
            note = " (reference)" if "reference" in entry else ""
            out.append(
                f"<figure data-name='{html.escape(entry['section'] + ': ' + entry['name'], quote=True)}'>"
                f"<figcaption><b>{html.escape(entry['name'])}</b>{note} <span class=figures></span></figcaption>"
                f"<div class=pair><img class=theirs src='{theirs}'>{ours}</div></figure>"
            )
        out.append("</section></div>")
    return "\n".join(out)


def chromium(program, *arguments):
    """Runs a browser without a window or a network."""
    with tempfile.TemporaryDirectory() as profile:
        flags = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
        flags += " --disable-component-update --disable-sync --allow-file-access-from-files --force-color-profile=srgb --hide-scrollbars"
        command = [program, *flags.split(), f"--user-data-dir={profile}", *arguments]
        return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=180, check=True).stdout


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("program", type=Path)
    parser.add_argument("browser", nargs="?")
    options = parser.parse_args()
    pictures = options.folder / "pictures"
    entries = json.loads((pictures / "pictures.json").read_text())
    outcomes = thumbnails(options.program, pictures, options.folder / "thumbnails")
    index = options.folder / "index.html"
    index.write_text(page(entries, outcomes))
    print(f"look: the page is {index}")
    if not options.browser:
        print("look: no Chromium, so nothing was measured; open the page in a browser")
        return
    address = index.resolve().as_uri()
    document = chromium(options.browser, "--dump-dom", address)
    results = {}
    for figure in re.findall(r"<figure ([^>]*)>", document):
        attributes = {name: html.unescape(value) for name, value in re.findall(r'([a-z-]+)="([^"]*)"', figure)}
        results[attributes["data-name"]] = json.loads(attributes["data-result"])
    for entry in entries:
        name = f"{entry['section']}: {entry['name']}"
        print(f"{verdict(entry, results[name], outcomes[entry['file']]):<60} {name}")
    (options.folder / "results.json").write_text(json.dumps(results, indent=1))
    screenshots(options, entries, address)


def verdict(entry, result, outcome):
    """A line for people."""
    state, *rest = outcome
    if entry["section"] == "damaged" and "reference" in entry:
        return f"no browser shows it; {state}"
    if not result["shown"]:
        return "same: neither shows it" if state == "damaged" else f"DIFFERS: the browser shows nothing, we are {state}"
    if state != "ready":
        return f"DIFFERS: {state} ({rest[0]})"
    size = f"{rest[0]} x {rest[1]}"
    if result["size"] != [int(rest[0]), int(rest[1])]:
        return f"DIFFERS: {size} for {result['size'][0]} x {result['size'][1]}"
    if entry["section"] == "damaged" and result["covered"] < 1:
        word = "same" if result.get("where", 0) >= SAME_DECIBELS else "DIFFERS"
        return f"{word}: {result.get('where', 0):.1f} dB in what the browser shows, {result['covered']:.0%}"
    bias = max(result["bias"], key=abs)
    same = result["decibels"] >= SAME_DECIBELS and abs(bias) <= SAME_MEAN
    return f"{'same' if same else 'DIFFERS'}: {result['decibels']:.1f} dB, mean {result['mean']:.2f}, bias {bias:+.1f}"


def screenshots(options, entries, address):
    """What the page looks like, in pieces that can be looked at."""
    for section in dict.fromkeys(entry["section"] for entry in entries):
        count = sum(entry["section"] == section for entry in entries)
        many = 32 if section == "orientation" else 15
        for first in range(0, count, many):
            target = options.folder / f"{section}-{first // many}.png"
            chromium(options.browser, f"--screenshot={target}", "--window-size=1620,1330", f"{address}#{section}/{first}/{first + many}")


main()
