// From where to where an axis goes, and where its ticks are.

const ROOM = 0.06, LABEL_ROOM = 0.14;
// Values come rounded to 2^-37 of their size: what is less apart is the same.
const UNTOLD = 2 ** -36;

// With more room below and above where the label of a best point stands.
function padded(low, high, log, [below, above]) {
  if (low > high) return log ? [0.1, 1] : [0, 1];
  // Room never takes an axis past what a double can hold.
  const [to, from] = log ? [Math.log10, (value) => 10 ** Math.max(-300, Math.min(308, value))] : [Number, Number];
  const [least, greatest] = [to(low), to(high)];
  const flat = log ? high / low - 1 <= UNTOLD : high - low <= Math.max(Math.abs(high) * UNTOLD, 1e-290);
  if (flat && log) return [from(least - 0.3), from(greatest + 0.3)];
  if (flat) return [low - (Math.abs(low) * 0.1 || 1), high + (Math.abs(high) * 0.1 || 1)];
  const span = greatest - least;
  const [under, over] = [below ? LABEL_ROOM : ROOM, above ? LABEL_ROOM : ROOM];
  return [Math.min(low, from(least - span * under)), Math.max(high, from(greatest + span * over))];
}

function roundStep(span, wanted) {
  const rough = span / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((part) => part * power).find((step) => step >= rough * 0.999);
}

function linearTicks(low, high, wanted, least = 0) {
  const step = Math.max(roundStep(high - low, wanted), least);
  const first = Math.ceil(low / step - 1e-9), last = Math.floor(high / step + 1e-9);
  if (!(step > 0) || !(last - first < 100)) return [low, high];
  return Array.from({ length: last - first + 1 }, (_, place) => Number(((first + place) * step).toPrecision(15)));
}

function logTicks(low, high, wanted) {
  const [from, to] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const decades = Math.log10(high / low);
  const parts = decades > wanted / 2 ? [1] : decades > wanted / 3 ? [1, 3] : [1, 2, 5];
  const stride = Math.max(1, Math.ceil(decades / wanted));
  const ticks = [];
  for (let power = from; power <= to; power += 1) {
    if (power % stride !== 0) continue;
    for (const part of parts) {
      const tick = Number((part * 10 ** power).toPrecision(12));
      if (tick >= low && tick <= high) ticks.push(tick);
    }
  }
  return ticks.length >= 3 ? ticks : linearTicks(low, high, wanted).filter((tick) => tick > 0);
}

function tickText(value, ticks) {
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size >= 1e6 || size < 1e-4) {
    return signed(exponent(Number(value.toPrecision(6)).toExponential()));
  }
  const apart = ticks.length > 1 ? Math.abs(ticks[1] - ticks[0]) : size;
  const decimals = Math.max(0, Math.min(8, Math.ceil(-Math.log10(Math.min(apart, size)) - 1e-9) + 1));
  const text = Number(value.toFixed(decimals)).toString();
  return signed(size >= 1e4 ? grouped(text) : text);
}
