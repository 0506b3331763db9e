// How numbers are spelt, as reports/wording.py spells them.

const MINUS = "\u2212", ABSENT = "\u2013";

const signed = (text) => text.replace(/-/g, MINUS);

const grouped = (text) => text.replace(/\B(?=(\d{3})+(?!\d))/g, ",");

function whole(value) {
  return signed(grouped(value.toFixed(0)));
}

function exponent(text) {
  const [mantissa, power] = text.split("e");
  const plain = mantissa.includes(".") ? mantissa.replace(/\.?0+$/, "") : mantissa;
  return power === undefined ? text : `${plain}e${Number(power)}`;
}

// Four significant digits; zeros at the end say that it was rounded.
function brief(value) {
  if (value === null || Number.isNaN(value)) return ABSENT;
  const rounded = Number(value.toPrecision(4));
  const size = Math.abs(rounded);
  if (size === 0) return "0";
  if (size < 1e-4 || size >= 1e7) return signed(exponent(value.toExponential(3)));
  if (size >= 1e4) return whole(value);
  const text = signed(rounded.toFixed(Math.max(0, 3 - Math.floor(Math.log10(size)))));
  const exact = Math.abs(rounded - value) <= 1e-9 * Math.abs(value);
  const short = exact && text.includes(".") ? text.replace(/\.?0+$/, "") : text;
  return size >= 1e3 ? grouped(short) : short;
}

// As many digits as the page holds.
function exact(value) {
  const kept = Number(value.toPrecision(10));
  return Number.isInteger(kept) && Math.abs(kept) < 1e15 ? whole(kept) : signed(String(kept));
}

function duration(seconds) {
  if (seconds === null || Number.isNaN(seconds)) return ABSENT;
  if (seconds < 59.95) return seconds < 1 ? `${Math.round(seconds * 1000)} ms` : `${seconds.toFixed(1)} s`;
  const all = Math.round(seconds);
  for (const [size, unit, part, partUnit] of [
    [86400, "d", 3600, "h"],
    [3600, "h", 60, "min"],
    [60, "min", 1, "s"],
  ]) {
    if (all < size) continue;
    const rest = Math.floor((all % size) / part);
    return `${whole(Math.floor(all / size))} ${unit}${rest ? ` ${rest} ${partUnit}` : ""}`;
  }
  return `${all} s`;
}
