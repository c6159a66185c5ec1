//! A baseline JPEG encoder for pictures whose luma and chroma lie apart (ITU-T T.81; JFIF 1.02).
//!
//! Chroma comes, and stays, at half of luma's size (4:2:0). The Huffman tables are made for each picture (annex K.2):
//! coding takes two passes over the quantised coefficients, which are kept as symbols in between, and gives files that
//! are about a tenth smaller than those with the tables of annex K.3. All components are in one scan.

mod dct;
mod huffman;
mod quantise;

use crate::avx2::with_avx2;

use dct::Block;
use huffman::{Code, Frequencies};
use quantise::Quantiser;

/// One component.
#[derive(Debug, Clone, Copy)]
pub struct Plane<'a> {
    /// Samples in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// 8 bits each, row by row without gaps.
    pub samples: &'a [u8],
}

/// What cannot be encoded: sides of 0 or over 65,535, planes whose samples do not fill them, chroma of another size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mismatch;

impl std::fmt::Display for Mismatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the planes do not make a picture")
    }
}

impl std::error::Error for Mismatch {}

/// How many bits a symbol's place in a token leaves for what follows it in the stream.
const VALUE_BITS: u32 = 16;

/// A symbol of annex F.1.2 with the bits behind it (as many as its low half says), and the table it belongs to.
#[derive(Clone, Copy)]
struct Token(u32);

impl Token {
    #[inline(always)]
    fn new(table: usize, symbol: u8, value: u16) -> Self {
        let table = u32::try_from(table).unwrap_or_default();
        Self(table << (VALUE_BITS + 8) | u32::from(symbol) << VALUE_BITS | u32::from(value))
    }

    #[inline(always)]
    fn table(self) -> usize {
        (self.0 >> (VALUE_BITS + 8)) as usize & 3
    }

    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "takes the parts apart")]
    fn symbol(self) -> u8 {
        (self.0 >> VALUE_BITS) as u8
    }

    #[inline(always)]
    fn value(self) -> u32 {
        self.0 & 0xffff
    }
}

/// Tables: DC and AC of luma, DC and AC of chroma.
const TABLES: usize = 4;

/// A component on its way.
struct Component<'a> {
    plane: Plane<'a>,
    /// Blocks in an MCU, across and down.
    factor: u32,
    /// 0 luma, 1 chroma.
    kind: usize,
    /// The DC coefficient of the last block.
    dc: i16,
}

/// Encodes a picture: luma, and chroma (Cb, Cr; half as large, rounded up) unless it is grey. `quality`: 1 to 100, as the
/// Independent JPEG Group counts it.
pub fn encode(luma: Plane, chroma: Option<[Plane; 2]>, quality: u8) -> Result<Vec<u8>, Mismatch> {
    let (Ok(width), Ok(height)) = (u16::try_from(luma.width), u16::try_from(luma.height)) else { return Err(Mismatch) };
    let filled = |plane: &Plane| plane.samples.len() as u64 == u64::from(plane.width) * u64::from(plane.height);
    let halved = (luma.width.div_ceil(2), luma.height.div_ceil(2));
    let fits = |plane: &Plane| filled(plane) && (plane.width, plane.height) == halved;
    if width == 0 || height == 0 || !filled(&luma) || !chroma.iter().flatten().all(fits) {
        return Err(Mismatch);
    }

    let quantisers = [Quantiser::luma(quality), Quantiser::chroma(quality)];
    let factor = if chroma.is_some() { 2 } else { 1 };
    let mut components = vec![Component { plane: luma, factor, kind: 0, dc: 0 }];
    components.extend(chroma.into_iter().flatten().map(|plane| Component { plane, factor: 1, kind: 1, dc: 0 }));

    let tokens = with_avx2!(_simd => tokens(&mut components, &quantisers, luma.width, luma.height, factor));
    let mut frequencies = [(); TABLES].map(|()| Frequencies::new());
    for token in &tokens {
        frequencies[token.table()].count(token.symbol());
    }
    let used = if chroma.is_some() { TABLES } else { 2 };
    let codes: Vec<Code> = frequencies.iter().take(used).map(Frequencies::code).collect();

    let mut file = Vec::with_capacity(1024 + tokens.len());
    head(&mut file, (width, height), &components, &quantisers, &codes);
    with_avx2!(_simd => scan(&mut file, &tokens, &codes));
    file.extend([0xff, 0xd9]);
    Ok(file)
}

/// The coefficients of all MCUs, as symbols in the order of the scan (A.2.3).
#[inline(always)]
fn tokens(
    components: &mut [Component],
    quantisers: &[Quantiser; 2],
    width: u32,
    height: u32,
    factor: u32,
) -> Vec<Token> {
    let mcus = |side: u32| side.div_ceil(8 * factor);
    let mut tokens = Vec::with_capacity(width as usize * height as usize / 4);
    for y in 0..mcus(height) {
        for x in 0..mcus(width) {
            for component in components.iter_mut() {
                let factor = component.factor;
                for at in 0..factor * factor {
                    let (column, row) = (x * factor + at % factor, y * factor + at / factor);
                    component.block(column * 8, row * 8, quantisers, &mut tokens);
                }
            }
        }
    }
    tokens
}

impl Component<'_> {
    /// The block whose first sample is at this place, as symbols.
    #[inline(always)]
    fn block(&mut self, x: u32, y: u32, quantisers: &[Quantiser; 2], tokens: &mut Vec<Token>) {
        let (dc, ac) = (self.kind * 2, self.kind * 2 + 1);
        if x >= self.plane.width || y >= self.plane.height {
            // Nobody sees it: what costs least.
            tokens.extend([Token::new(dc, 0, 0), Token::new(ac, 0, 0)]);
            return;
        }
        let coefficients = quantisers[self.kind].quantise(&dct::forward(&self.samples(x, y)));

        let difference = coefficients[0] - self.dc;
        self.dc = coefficients[0];
        let (size, value) = magnitude(difference);
        tokens.push(Token::new(dc, size, value));

        let mut nonzero = 0_u64;
        for (at, coefficient) in coefficients.iter().enumerate().skip(1) {
            nonzero |= u64::from(*coefficient != 0) << at;
        }
        let mut last = 0;
        while nonzero != 0 {
            let at = nonzero.trailing_zeros();
            nonzero &= nonzero - 1;
            let mut run = at - last - 1;
            while run > 15 {
                // ZRL: sixteen zeros.
                tokens.push(Token::new(ac, 0xf0, 0));
                run -= 16;
            }
            let (size, value) = magnitude(coefficients[at as usize & 63]);
            tokens.push(Token::new(ac, u8::try_from(run << 4).unwrap_or_default() | size, value));
            last = at;
        }
        if last < 63 {
            // EOB.
            tokens.push(Token::new(ac, 0, 0));
        }
    }

    /// Its samples; what lies over the edge repeats the edge.
    #[inline(always)]
    fn samples(&self, x: u32, y: u32) -> Block<u8> {
        let (width, height) = (self.plane.width as usize, self.plane.height as usize);
        let (x, y) = (x as usize, y as usize);
        let mut block = [[0; 8]; 8];
        for (row, line) in block.iter_mut().enumerate() {
            let start = (y + row).min(height - 1) * width;
            let samples = self.plane.samples.get(start + x..start + width).unwrap_or_default();
            if let Some(whole) = samples.first_chunk() {
                *line = *whole;
            } else {
                for (to, sample) in
                    line.iter_mut().zip(samples.iter().chain(std::iter::repeat(samples.last().unwrap_or(&0))))
                {
                    *to = *sample;
                }
            }
        }
        block
    }
}

/// How many bits a value takes, and those bits (F.1.2.1): negative ones as their complement.
#[inline(always)]
fn magnitude(value: i16) -> (u8, u16) {
    let size = 16 - value.unsigned_abs().leading_zeros();
    let bits = value.wrapping_add(value >> 15).cast_unsigned();
    let mask = (1_u32 << size) - 1;
    (u8::try_from(size).unwrap_or_default(), u16::try_from(u32::from(bits) & mask).unwrap_or_default())
}

/// Everything before the coded data (annex B; JFIF 1.02).
fn head(
    file: &mut Vec<u8>,
    (width, height): (u16, u16),
    components: &[Component],
    quantisers: &[Quantiser; 2],
    codes: &[Code],
) {
    file.extend([0xff, 0xd8]);
    segment(file, 0xe0, &[b'J', b'F', b'I', b'F', 0, 1, 2, 0, 0, 1, 0, 1, 0, 0]);
    let kinds = if components.len() > 1 { 2 } else { 1 };
    for (id, quantiser) in (0..).zip(&quantisers[..kinds]) {
        segment(file, 0xdb, &[[id].as_slice(), &quantiser.table()].concat());
    }
    let ids = || (1_u8..).zip(components);
    let kind = |component: &Component| u8::try_from(component.kind).unwrap_or_default();
    let factor = |component: &Component| u8::try_from(component.factor * 0x11).unwrap_or_default();
    let count = u8::try_from(components.len()).unwrap_or_default();
    let ([w1, w2], [h1, h2]) = (width.to_be_bytes(), height.to_be_bytes());
    let mut frame = vec![8, h1, h2, w1, w2, count];
    frame.extend(ids().flat_map(|(id, component)| [id, factor(component), kind(component)]));
    segment(file, 0xc0, &frame);
    for (id, code) in [0x00, 0x10, 0x01, 0x11].into_iter().zip(codes) {
        segment(file, 0xc4, &[[id].as_slice(), &code.table()].concat());
    }
    let mut scan = vec![count];
    scan.extend(ids().flat_map(|(id, component)| [id, kind(component) * 0x11]));
    scan.extend([0, 63, 0]);
    segment(file, 0xda, &scan);
}

fn segment(file: &mut Vec<u8>, marker: u8, content: &[u8]) {
    let length = u16::try_from(content.len() + 2).unwrap_or(u16::MAX);
    file.extend([0xff, marker]);
    file.extend(length.to_be_bytes());
    file.extend_from_slice(content);
}

/// The coded data (F.1.2), with a zero behind every 0xFF (B.1.1.5).
#[inline(always)]
fn scan(file: &mut Vec<u8>, tokens: &[Token], codes: &[Code]) {
    let (mut bits, mut count) = (0_u64, 0);
    for token in tokens {
        let symbol = token.symbol();
        let (code, length) = codes.get(token.table()).map_or((0, 0), |code| code.of(symbol));
        let size = u32::from(symbol & 15);
        // At most 16 bits of code and 15 of value: 32 bits of room are enough.
        bits = bits << (length + size) | u64::from(code) << size | u64::from(token.value());
        count += length + size;
        if count >= 32 {
            count -= 32;
            put(file, bits >> count);
        }
    }
    // Ones fill the last byte.
    let missing = (8 - count % 8) % 8;
    bits = bits << missing | ((1 << missing) - 1);
    count += missing;
    while count > 0 {
        count -= 8;
        let [.., byte] = (bits >> count).to_be_bytes();
        file.push(byte);
        if byte == 0xff {
            file.push(0);
        }
    }
}

/// Four bytes.
#[inline(always)]
fn put(file: &mut Vec<u8>, bits: u64) {
    let [_, _, _, _, bytes @ ..] = bits.to_be_bytes();
    if bytes.contains(&0xff) {
        for byte in bytes {
            file.push(byte);
            if byte == 0xff {
                file.push(0);
            }
        }
    } else {
        file.extend(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn magnitudes_are_those_of_table_f_1() {
        assert_eq!(magnitude(0), (0, 0));
        assert_eq!(magnitude(1), (1, 1));
        assert_eq!(magnitude(-1), (1, 0));
        assert_eq!(magnitude(5), (3, 5));
        assert_eq!(magnitude(-5), (3, 2));
        assert_eq!(magnitude(-1023), (10, 0));
    }

    #[test]
    fn planes_that_make_no_picture_are_refused() {
        let plane = |width, height, samples| Plane { width, height, samples };
        let four = [0; 4];
        assert!(encode(plane(2, 2, &four), None, 80).is_ok());
        assert_eq!(encode(plane(2, 3, &four), None, 80), Err(Mismatch));
        assert_eq!(encode(plane(0, 2, &[]), None, 80), Err(Mismatch));
        assert_eq!(encode(plane(2, 2, &four), Some([plane(2, 2, &four); 2]), 80), Err(Mismatch));
        assert_eq!(encode(plane(70_000, 1, &vec![0; 70_000]), None, 80), Err(Mismatch));
    }
}
