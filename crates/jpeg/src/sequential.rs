//! Scans of the sequential modes, baseline and extended (T.81 F.2): each block is decoded as far as its scale needs and
//! transformed at once, and the rest of its symbols are skipped several at a time.

#![expect(clippy::cast_possible_truncation, reason = "coefficients have 12 bits; hostile ones may wrap")]

use fearless_simd::Simd;

use crate::{
    Error, Scale,
    avx2::with_avx2,
    bits::{Bits, Chunk},
    component::{Component, Geometry},
    huffman::{Skip, Table},
    idct::Block,
    markers::{Scan, Tables},
    scan::{Decode, Outcome, Reader},
};

/// Of a block, next to a simple visit to one.
const COST: u64 = 8;

/// One component of the scan.
struct Lane<'a> {
    component: &'a mut Component,
    dc: Table,
    ac: Table,
    skip: Skip,
    /// The DC coefficient of the block before.
    before: i32,
    /// The first sample of the MCU.
    at: usize,
    /// Samples from an MCU to the next.
    step: usize,
    /// Samples from a row of MCUs to the next.
    row: usize,
}

/// A block of an MCU.
struct Place {
    lane: usize,
    /// Of its first sample from that of the MCU.
    offset: usize,
}

struct Sequential<'a> {
    lanes: Vec<Lane<'a>>,
    places: Vec<Place>,
    /// What is not flat passes through here. Left empty.
    block: Block,
}

/// Decodes a scan into the planes of its components.
pub fn decode(
    data: &[u8],
    start: usize,
    scan: &Scan,
    tables: &Tables,
    geometry: &Geometry,
    components: &mut [Component],
) -> Result<Outcome, Error> {
    let alone = scan.components.len() == 1;
    let mut lanes = Vec::new();
    let mut places = Vec::new();
    let mut grid = (geometry.mcu_columns, geometry.mcu_rows);
    for (index, component) in components.iter_mut().enumerate() {
        let Some(&(_, dc, ac)) = scan.components.iter().find(|(of, ..)| *of == index) else { continue };
        component.take_table(tables, false)?;
        let missing = Error::Damaged("a Huffman table is missing");
        let dc = tables.dc[usize::from(dc)].as_ref().ok_or(missing)?;
        let ac = tables.ac[usize::from(ac)].as_ref().ok_or(missing)?;
        if alone {
            grid = (component.columns, component.rows);
        }
        let (h, v) = if alone { (1, 1) } else { (component.h, component.v) };
        let points = component.scale.points();
        let lane = Lane {
            dc: Table::new(dc),
            ac: Table::new(ac),
            skip: Skip::new(ac, false),
            before: 0,
            at: 0,
            step: h * points,
            row: v * points * component.stride,
            component,
        };
        lanes.push((index, lane));
    }
    // Blocks come in the sequence in which the scan names the components.
    for &(of, ..) in &scan.components {
        let Some(lane) = lanes.iter().position(|(index, _)| *index == of) else { continue };
        let component = &lanes[lane].1.component;
        let (h, v) = if alone { (1, 1) } else { (component.h, component.v) };
        let (points, stride) = (component.scale.points(), component.stride);
        places.extend((0..v).flat_map(|y| (0..h).map(move |x| Place { lane, offset: (y * stride + x) * points })));
    }
    let lanes = lanes.into_iter().map(|(_, lane)| lane).collect();
    let mut sequential = Sequential { lanes, places, block: [0; 128] };
    let cost = sequential.places.len() as u64 * COST;
    let outcome = Reader::new(data, start, tables.restart_interval).read(grid.0, grid.1, cost, &mut sequential);
    let rows = outcome.reached / grid.0;
    for lane in &mut sequential.lanes {
        lane.component.decoded_rows = if alone { rows } else { rows * lane.component.v };
        if alone {
            lane.component.pad();
        }
    }
    Ok(outcome)
}

impl Decode for Sequential<'_> {
    fn restart(&mut self) {
        for lane in &mut self.lanes {
            lane.before = 0;
        }
    }

    fn decode(&mut self, reader: &mut Reader<'_>, row: usize, column: usize, count: usize) -> usize {
        with_avx2!(simd => self.mcus(simd, reader, row, column, count))
    }
}

impl Sequential<'_> {
    #[inline(always)]
    fn mcus<S: Simd>(&mut self, simd: S, reader: &mut Reader<'_>, row: usize, column: usize, count: usize) -> usize {
        let mut bits = reader.bits;
        for lane in &mut self.lanes {
            lane.at = row * lane.row + column * lane.step;
        }
        for mcu in column..column + count {
            for place in &self.places {
                let lane = &mut self.lanes[place.lane];
                if bits.is_low() {
                    bits = reader.segment.more(bits);
                }
                let chunk = reader.segment.chunk();
                let component = &mut *lane.component;
                let Some(dequantiser) = &component.dequantiser else { continue };
                let out = &mut component.samples[lane.at + place.offset..];

                bits.refill(chunk);
                let symbol = lane.dc.symbol(&mut bits);
                lane.before = lane.before.wrapping_add(symbol.value(bits.peek()));
                bits.consume(symbol.bits());
                let dc = lane.before as i16;

                let block = &mut self.block;
                match component.scale {
                    Scale::Eighth => {
                        skip_ac(&mut bits, chunk, &lane.ac, &lane.skip, 1);
                        out[0] = dequantiser.flat(dc);
                    }
                    Scale::Quarter => {
                        if ac::<4>(&mut bits, chunk, &lane.ac, &lane.skip, Scale::Quarter.slots(), block) {
                            block[0] = dc;
                            dequantiser.write_2::<3>(block, out, component.stride);
                            block[..4].fill(0);
                        } else {
                            dequantiser.write_flat(dc, out, component.stride);
                        }
                    }
                    scale => {
                        let coded = if scale == Scale::Half {
                            ac::<24>(&mut bits, chunk, &lane.ac, &lane.skip, Scale::Half.slots(), block)
                        } else {
                            ac::<63>(&mut bits, chunk, &lane.ac, &lane.skip, Scale::Full.slots(), block)
                        };
                        if coded {
                            block[0] = dc;
                            dequantiser.write(simd, block, out, component.stride);
                            block[..64].fill(0);
                        } else {
                            dequantiser.write_flat(dc, out, component.stride);
                        }
                    }
                }
            }
            for lane in &mut self.lanes {
                lane.at += lane.step;
            }
            if reader.segment.is_over(bits) {
                reader.bits = bits;
                return mcu - column;
            }
        }
        reader.bits = bits;
        count
    }
}

/// Decodes the AC coefficients up to `LAST` (F.2.2.2) and skips the others. Whether there were any.
#[inline(always)]
fn ac<const LAST: u32>(
    bits: &mut Bits,
    chunk: &Chunk,
    table: &Table,
    skip: &Skip,
    slots: &[u8; 128],
    block: &mut Block,
) -> bool {
    let mut k = 1;
    loop {
        bits.refill(chunk);
        let symbol = table.symbol(bits);
        let value = symbol.value(bits.peek());
        bits.consume(symbol.bits());
        if symbol.is_end() {
            return k > 1;
        }
        k += symbol.run();
        block[usize::from(slots[(k & 127) as usize] & 127)] = value as i16;
        k += 1;
        if k > LAST {
            break;
        }
    }
    skip_ac(bits, chunk, table, skip, k);
    true
}

/// Skips the AC coefficients from `k` on.
#[inline(always)]
fn skip_ac(bits: &mut Bits, chunk: &Chunk, table: &Table, skip: &Skip, mut k: u32) {
    while k < 64 {
        k = skip.skip(bits, chunk, k);
        if k < 64 {
            bits.refill(chunk);
            let symbol = table.symbol(bits);
            bits.consume(symbol.bits());
            if symbol.is_end() {
                return;
            }
            k += symbol.run() + 1;
        }
    }
}
