// The numbers of the page: the other end of reports/packing.py.

async function inflate(text) {
  const plain = atob(text);
  const packed = new Uint8Array(plain.length);
  for (let place = 0; place < plain.length; place += 1) packed[place] = plain.charCodeAt(place);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function unpack(bytes, [start, count, width, differences]) {
  const joined = new DataView(new ArrayBuffer(count * width));
  for (let plane = 0; plane < width; plane += 1) {
    for (let place = 0; place < count; place += 1) {
      joined.setUint8(place * width + plane, bytes[start + plane * count + place]);
    }
  }
  const values = new Float64Array(count);
  let sum = 0;
  for (let place = 0; place < count; place += 1) {
    const value = width === 4 ? joined.getFloat32(place * 4, true) : joined.getFloat64(place * 8, true);
    sum += value;
    values[place] = differences ? sum : value;
  }
  return values;
}

// Epochs: all of them, or those at some places, with straight lines along the steps between them.
function unpackEpochs(bytes, packed, step) {
  if (Array.isArray(packed)) return unpack(bytes, packed);
  const [at, epoch] = [unpack(bytes, packed.at), unpack(bytes, packed.epoch)];
  let next = 1;
  return Float64Array.from(step, (now, place) => {
    while (at[next] < place) next += 1;
    const [from, to] = [step[at[next - 1]], step[at[next]]];
    return epoch[next - 1] + ((now - from) / (to - from)) * (epoch[next] - epoch[next - 1]);
  });
}

function unpackLine(bytes, line) {
  const get = (place) => (place ? unpack(bytes, place) : null);
  const band = line.band && {
    step: get(line.band.step),
    least: get(line.band.least),
    greatest: get(line.band.greatest),
  };
  const step = get(line.step);
  const value = get(line.value);
  const means = line.means && {
    at: get(line.means.at),
    value: get(line.means.value),
    smooth: get(line.means.smooth),
  };
  return {
    ...line,
    band,
    means,
    step,
    value,
    ms: get(line.ms),
    epoch: line.epoch ? unpackEpochs(bytes, line.epoch, step) : null,
    smoothed: means ? along(means.at, means.smooth, step, value) : get(line.smoothed),
  };
}
