//! Scans of the progressive mode (T.81 G): coefficients are gathered, as many of each block as the scale needs, and
//! transformed at the end. Scans that hold none that are needed are passed over.
//!
//! Below the full size, refinement scans of AC coefficients are passed over, too: to read them takes all coefficients of
//! the block, as what is coded depends on which are zero so far (G.1.2.3). Coefficients count as the middle of what
//! they may be.

#![expect(
    clippy::cast_possible_truncation,
    reason = "coefficients have 12 bits; hostile ones may wrap; counts of blocks are below 2^32"
)]

use fearless_simd::Simd;

use crate::{
    Error, Scale,
    avx2::with_avx2,
    bits::{Bits, Chunk},
    component::{Component, Geometry},
    huffman::{Skip, Table},
    markers::{Scan, Tables},
    scan::{Decode, Outcome, Reader},
};

/// Of a block in a refinement, next to a simple visit to one: all its coefficients are looked at.
const REFINEMENT_COST: u64 = 8;

/// Of a block in a DC scan.
const DC_COST: u64 = 2;

/// What no scan brought yet.
const NOTHING: u8 = 255;

/// The coefficients of a component.
pub struct Coefficients {
    scale: Scale,
    /// Of each block.
    per_block: usize,
    values: Vec<i16>,
    /// Up to which bit each is known.
    low: [u8; 64],
}

impl Coefficients {
    /// None yet.
    pub fn new(component: &Component) -> Self {
        let per_block = component.scale.points().pow(2);
        let blocks = component.all_columns * component.all_rows;
        Self { scale: component.scale, per_block, values: vec![0; blocks * per_block], low: [NOTHING; 64] }
    }

    /// All that the scale needs is there.
    pub fn is_enough(&self) -> bool {
        let bits_matter = self.scale == Scale::Full;
        let last = self.scale.last() as usize;
        self.low[0] == 0 && self.low[1..=last].iter().all(|&low| if bits_matter { low == 0 } else { low != NOTHING })
    }

    /// Whether a scan brings any that the scale needs.
    fn needs(&self, scan: &Scan) -> bool {
        if scan.start == 0 {
            return true;
        }
        u32::from(scan.start) <= self.scale.last() && (self.scale == Scale::Full || scan.high == 0)
    }

    /// Transforms all blocks.
    pub fn transform(&self, component: &mut Component) {
        with_avx2!(simd => self.transform_with(simd, component));
    }

    #[inline(always)]
    fn transform_with<S: Simd>(&self, simd: S, component: &mut Component) {
        let Some(dequantiser) = &component.dequantiser else { return };
        let mut middle = [0i16; 64];
        for (&slot, &low) in self.scale.slots().iter().zip(&self.low).skip(1) {
            if let Some(middle) = middle.get_mut(usize::from(slot)) {
                *middle = if low < 16 { (1 << low) - 1 } else { 0 };
            }
        }
        let points = self.scale.points();
        let (stride, columns) = (component.stride, component.all_columns);
        let mut block = [0; 128];
        let rows = self.values.chunks_exact(columns * self.per_block);
        for (out, row) in component.samples.chunks_exact_mut(stride * points).zip(rows) {
            for (x, values) in row.chunks_exact(self.per_block).enumerate() {
                let out = &mut out[x * points..];
                if values[1..].iter().fold(0, |any, value| any | value) == 0 {
                    dequantiser.write_flat(values[0], out, stride);
                    continue;
                }
                for ((to, &value), &middle) in block.iter_mut().zip(values).zip(&middle) {
                    *to = value.wrapping_mul(2).wrapping_add(value.signum() * middle);
                }
                dequantiser.write(simd, &block, out, stride);
            }
        }
    }
}

/// Decodes a scan; `None` if it is passed over.
pub fn decode(
    data: &[u8],
    start: usize,
    scan: &Scan,
    tables: &Tables,
    geometry: &Geometry,
    components: &mut [Component],
    coefficients: &mut [Coefficients],
) -> Result<Option<Outcome>, Error> {
    for &(index, ..) in &scan.components {
        if components[index].dequantiser.is_none() {
            components[index].take_table(tables, true)?;
        }
    }
    if !scan.components.iter().any(|&(index, ..)| coefficients[index].needs(scan)) {
        return Ok(None);
    }
    let reader = Reader::new(data, start, tables.restart_interval);
    let alone = scan.components.len() == 1;
    let (mut columns, mut rows) = (geometry.mcu_columns, geometry.mcu_rows);
    if alone {
        let component = &components[scan.components[0].0];
        (columns, rows) = (component.columns, component.rows);
    }
    let missing = Error::Damaged("a Huffman table is missing");
    let outcome = if scan.start == 0 {
        let mut lanes = Vec::new();
        for &(index, dc, _) in &scan.components {
            let component = &components[index];
            let table = match (scan.high, &tables.dc[usize::from(dc)]) {
                (0, None) => return Err(missing),
                (0, Some(table)) => Some(Table::new(table)),
                _ => None,
            };
            let (h, v) = if alone { (1, 1) } else { (component.h, component.v) };
            lanes.push(Lane { index, table, before: 0, h, v, all_columns: component.all_columns });
        }
        let blocks: usize = lanes.iter().map(|lane| lane.h * lane.v).sum();
        let outcome =
            reader.read(columns, rows, blocks as u64 * DC_COST, &mut Dc { lanes, coefficients, low: scan.low });
        if scan.high == 0 {
            let rows = outcome.reached / columns;
            for &(index, ..) in &scan.components {
                let component = &mut components[index];
                component.decoded_rows = if alone { rows } else { rows * component.v };
            }
        }
        outcome
    } else {
        let (index, _, ac) = scan.components[0];
        let spec = tables.ac[usize::from(ac)].as_ref().ok_or(missing)?;
        let mut ac = Ac {
            all_columns: components[index].all_columns,
            table: Table::new(spec),
            skip: None,
            start: u32::from(scan.start),
            end: u32::from(scan.end),
            low: scan.low,
            blocks_to_skip: 0,
            coefficients: &mut coefficients[index],
        };
        if scan.high == 0 {
            if ac.coefficients.scale.last() < ac.end {
                ac.skip = Some(Skip::new(spec, true));
            }
            reader.read(columns, rows, 1, &mut First(ac))
        } else {
            reader.read(columns, rows, REFINEMENT_COST, &mut Refinement(ac))
        }
    };
    for &(index, ..) in &scan.components {
        coefficients[index].low[usize::from(scan.start)..=usize::from(scan.end)].fill(scan.low);
    }
    Ok(Some(outcome))
}

/// A component of a DC scan (G.1.2.1).
struct Lane {
    index: usize,
    /// None in refinements.
    table: Option<Table>,
    before: i32,
    h: usize,
    v: usize,
    all_columns: usize,
}

struct Dc<'a> {
    lanes: Vec<Lane>,
    coefficients: &'a mut [Coefficients],
    low: u8,
}

impl Decode for Dc<'_> {
    fn restart(&mut self) {
        for lane in &mut self.lanes {
            lane.before = 0;
        }
    }

    fn decode(&mut self, reader: &mut Reader<'_>, row: usize, column: usize, count: usize) -> usize {
        let mut bits = reader.bits;
        for mcu in column..column + count {
            for lane in &mut self.lanes {
                let coefficients = &mut self.coefficients[lane.index];
                for y in 0..lane.v {
                    for x in 0..lane.h {
                        if bits.is_low() {
                            bits = reader.segment.more(bits);
                        }
                        bits.refill(reader.segment.chunk());
                        let block = (row * lane.v + y) * lane.all_columns + mcu * lane.h + x;
                        let value = &mut coefficients.values[block * coefficients.per_block];
                        if let Some(table) = &lane.table {
                            let symbol = table.symbol(&mut bits);
                            lane.before = lane.before.wrapping_add(symbol.value(bits.peek()));
                            bits.consume(symbol.bits());
                            *value = (lane.before << self.low) as i16;
                        } else {
                            *value |= i16::from(bits.bit()) << self.low;
                        }
                    }
                }
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

/// A scan of AC coefficients.
struct Ac<'a> {
    coefficients: &'a mut Coefficients,
    all_columns: usize,
    table: Table,
    /// If some of the band is not needed.
    skip: Option<Skip>,
    start: u32,
    end: u32,
    low: u8,
    /// Blocks that follow and have no more than they have (EOBRUN).
    blocks_to_skip: u32,
}

impl Ac<'_> {
    /// How many blocks end with this one (G.1.2.2).
    #[inline(always)]
    fn end_of_blocks(bits: &mut Bits, run: u32) -> u32 {
        if run == 0 { 1 } else { (1 << run) + bits.take(run) }
    }
}

/// A first scan (G.1.2.2).
struct First<'a>(Ac<'a>);

impl Decode for First<'_> {
    fn restart(&mut self) {
        self.0.blocks_to_skip = 0;
    }

    fn decode(&mut self, reader: &mut Reader<'_>, row: usize, column: usize, count: usize) -> usize {
        let ac = &mut self.0;
        let Coefficients { values, per_block, scale, .. } = &mut *ac.coefficients;
        let slots = scale.slots();
        let per_block = *per_block;
        // Bands are shifted so that they end with 63, as blocks do in the sequential modes.
        let shift = 63 - ac.end;
        let last = scale.last().min(ac.end) + shift;
        let mut bits = reader.bits;
        let mut done = 0;
        while done < count {
            if ac.blocks_to_skip > 0 {
                let blocks = (count - done).min(ac.blocks_to_skip as usize);
                ac.blocks_to_skip -= blocks as u32;
                done += blocks;
                continue;
            }
            if bits.is_low() {
                bits = reader.segment.more(bits);
            }
            let chunk = reader.segment.chunk();
            let at = (row * ac.all_columns + column + done) * per_block;
            let block = &mut values[at..at + per_block];
            let mut k = ac.start + shift;
            while k <= last {
                bits.refill(chunk);
                let symbol = ac.table.symbol(&mut bits);
                let value = symbol.value(bits.peek());
                bits.consume(symbol.bits());
                if symbol.is_end() {
                    ac.blocks_to_skip = Ac::end_of_blocks(&mut bits, symbol.run()) - 1;
                    k = 64;
                    break;
                }
                k += symbol.run();
                let slot = slots[(k.wrapping_sub(shift) & 127) as usize];
                if let Some(to) = block.get_mut(usize::from(slot)) {
                    *to = (value << ac.low) as i16;
                }
                k += 1;
            }
            if k < 64
                && let Some(skip) = &ac.skip
            {
                ac.blocks_to_skip = skip_rest(&mut bits, chunk, &ac.table, skip, k);
            }
            if reader.segment.is_over(bits) {
                break;
            }
            done += 1;
        }
        reader.bits = bits;
        done
    }
}

/// Skips the AC coefficients from `k` on. How many blocks that follow have none.
#[inline(always)]
fn skip_rest(bits: &mut Bits, chunk: &Chunk, table: &Table, skip: &Skip, mut k: u32) -> u32 {
    while k < 64 {
        k = skip.skip(bits, chunk, k);
        if k < 64 {
            bits.refill(chunk);
            let symbol = table.symbol(bits);
            bits.consume(symbol.bits());
            if symbol.is_end() {
                return Ac::end_of_blocks(bits, symbol.run()) - 1;
            }
            k += symbol.run() + 1;
        }
    }
    0
}

/// A refinement (G.1.2.3). At full size only.
struct Refinement<'a>(Ac<'a>);

impl Decode for Refinement<'_> {
    fn restart(&mut self) {
        self.0.blocks_to_skip = 0;
    }

    fn decode(&mut self, reader: &mut Reader<'_>, row: usize, column: usize, count: usize) -> usize {
        let ac = &mut self.0;
        let slots = Scale::Full.slots();
        let one = 1i16.wrapping_shl(u32::from(ac.low));
        let mut bits = reader.bits;
        for done in 0..count {
            if bits.is_low() {
                bits = reader.segment.more(bits);
            }
            let chunk = reader.segment.chunk();
            let at = (row * ac.all_columns + column + done) * 64;
            let Some(block) = ac.coefficients.values[at..].first_chunk_mut::<64>() else { break };
            let mut k = ac.start;
            while ac.blocks_to_skip == 0 && k <= ac.end {
                bits.refill(chunk);
                let symbol = ac.table.symbol(&mut bits);
                let value = symbol.value(bits.peek()).signum() as i16;
                bits.consume(symbol.bits());
                if symbol.is_end() {
                    ac.blocks_to_skip = Ac::end_of_blocks(&mut bits, symbol.run());
                    break;
                }
                // Past as many zeros as the run has; those that are not zero get their next bit.
                let mut zeros = symbol.run();
                while k <= ac.end {
                    let coefficient = &mut block[usize::from(slots[(k & 63) as usize] & 63)];
                    k += 1;
                    if *coefficient != 0 {
                        bits.refill(chunk);
                        refine(coefficient, bits.bit(), one);
                    } else if zeros == 0 {
                        *coefficient = value.wrapping_mul(one);
                        break;
                    } else {
                        zeros -= 1;
                    }
                }
            }
            if ac.blocks_to_skip > 0 {
                ac.blocks_to_skip -= 1;
                while k <= ac.end {
                    let coefficient = &mut block[usize::from(slots[(k & 63) as usize] & 63)];
                    k += 1;
                    if *coefficient != 0 {
                        bits.refill(chunk);
                        refine(coefficient, bits.bit(), one);
                    }
                }
            }
            if reader.segment.is_over(bits) {
                reader.bits = bits;
                return done;
            }
        }
        reader.bits = bits;
        count
    }
}

/// Adds the next bit to a coefficient that is not zero.
#[inline(always)]
fn refine(coefficient: &mut i16, bit: bool, one: i16) {
    if bit && *coefficient & one == 0 {
        *coefficient = coefficient.wrapping_add(one.wrapping_mul(coefficient.signum()));
    }
}
