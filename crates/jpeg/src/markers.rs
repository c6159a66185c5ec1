//! The segments between the entropy-coded ones (T.81 B.2): frame, scan and table headers.

use crate::{Error, huffman::Spec, metadata::Metadata, standard};

/// Where coefficient `k` of the zig-zag sequence is in its block of 8 rows (A.3.6).
pub const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21,
    28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54,
    47, 55, 62, 63,
];

/// The markers that matter (table B.1).
pub mod marker {
    pub const SOF0: u8 = 0xC0;
    pub const SOF2: u8 = 0xC2;
    pub const DHT: u8 = 0xC4;
    pub const JPG: u8 = 0xC8;
    pub const DAC: u8 = 0xCC;
    pub const SOF15: u8 = 0xCF;
    pub const RST0: u8 = 0xD0;
    pub const RST7: u8 = 0xD7;
    pub const SOI: u8 = 0xD8;
    pub const EOI: u8 = 0xD9;
    pub const SOS: u8 = 0xDA;
    pub const DQT: u8 = 0xDB;
    pub const DRI: u8 = 0xDD;
    pub const APP0: u8 = 0xE0;
    pub const APP15: u8 = 0xEF;
    pub const TEM: u8 = 0x01;
}

/// A component as the frame header has it (B.2.2).
#[derive(Debug, Clone, Copy)]
pub struct FrameComponent {
    /// By which scans name it.
    pub id: u8,
    /// Samples across, relative to the other components.
    pub h: u8,
    /// Samples down, relative to the other components.
    pub v: u8,
    /// Which quantisation table.
    pub table: u8,
}

/// A frame header (B.2.2).
#[derive(Debug, Clone)]
pub struct Frame {
    /// In pixels.
    pub width: u16,
    /// In pixels.
    pub height: u16,
    /// SOF2.
    pub progressive: bool,
    /// 1, 3 or 4.
    pub components: Vec<FrameComponent>,
}

/// A scan header (B.2.3).
#[derive(Debug, Clone)]
pub struct Scan {
    /// Index of the component in the frame, DC table, AC table.
    pub components: Vec<(usize, u8, u8)>,
    /// The first coefficient of the band.
    pub start: u8,
    /// The last coefficient of the band.
    pub end: u8,
    /// Successive approximation: the bit before; 0 in a first scan.
    pub high: u8,
    /// Successive approximation: the lowest bit of this scan.
    pub low: u8,
}

/// The tables that hold for the scans that follow.
pub struct Tables {
    /// In zig-zag sequence.
    pub quantisation: [Option<[u16; 64]>; 4],
    /// DC.
    pub dc: [Option<Spec>; 4],
    /// AC.
    pub ac: [Option<Spec>; 4],
    /// In MCUs; 0 for none.
    pub restart_interval: usize,
}

impl Tables {
    /// Without quantisation tables, and with the Huffman tables of Motion JPEG.
    fn new() -> Self {
        Self { quantisation: [None; 4], dc: standard::dc(), ac: standard::ac(), restart_interval: 0 }
    }
}

/// Reads segments from `position` on.
pub struct Markers<'a> {
    data: &'a [u8],
    /// Behind what was read.
    pub position: usize,
    /// Of all segments so far.
    pub tables: Tables,
    /// Of all segments so far.
    pub metadata: Metadata<'a>,
    /// Of the frame header so far.
    pub frame: Option<Frame>,
}

/// How far the segments went.
pub enum Next {
    /// An entropy-coded segment follows.
    Scan(Scan),
    /// The end of the image, or of the data.
    End {
        /// There was an EOI.
        marked: bool,
    },
}

impl<'a> Markers<'a> {
    /// Checks that `data` begins with SOI.
    pub fn new(data: &'a [u8]) -> Result<Self, Error> {
        if !data.starts_with(&[0xFF, marker::SOI]) {
            return Err(Error::Damaged("it does not begin with SOI"));
        }
        Ok(Self { data, position: 2, tables: Tables::new(), metadata: Metadata::default(), frame: None })
    }

    /// Finds the next marker at or after `position`, other than what byte stuffing looks like, and goes behind it.
    pub fn next_marker(&mut self) -> Option<u8> {
        let (at, code) = find_marker(self.data, self.position)?;
        self.position = at + 2;
        Some(code)
    }

    /// Reads up to and including the next scan header.
    pub fn next_scan(&mut self) -> Result<Next, Error> {
        loop {
            let Some(code) = self.next_marker() else { return Ok(Next::End { marked: false }) };
            match code {
                marker::EOI => return Ok(Next::End { marked: true }),
                marker::SOI | marker::TEM | marker::RST0..=marker::RST7 => continue,
                _ => {}
            }
            let Some(body) = self.body() else { return Ok(Next::End { marked: false }) };
            match code {
                marker::DHT => self.huffman(body)?,
                marker::DQT => self.quantisation(body)?,
                marker::DRI => {
                    let [high, low, ..] = *body else { return Err(Error::Damaged("a DRI segment is too short")) };
                    self.tables.restart_interval = usize::from(u16::from_be_bytes([high, low]));
                }
                marker::SOS => return self.scan(body).map(Next::Scan),
                marker::APP0..=marker::APP15 => self.metadata.read(code - marker::APP0, body),
                marker::DAC | marker::JPG => {}
                marker::SOF0..=marker::SOF15 => {
                    if self.frame.is_some() {
                        return Err(Error::Damaged("it has two frame headers"));
                    }
                    self.frame = Some(frame(code, body)?);
                }
                _ => {}
            }
        }
    }

    /// The body of a segment whose marker was read. `None` when the data ends before.
    fn body(&mut self) -> Option<&'a [u8]> {
        let length: [u8; 2] = self.data.get(self.position..self.position + 2)?.try_into().ok()?;
        let length = usize::from(u16::from_be_bytes(length)).max(2);
        let body = self.data.get(self.position + 2..self.position + length)?;
        self.position += length;
        Some(body)
    }

    /// B.2.4.1.
    fn quantisation(&mut self, mut body: &[u8]) -> Result<(), Error> {
        const SHORT: Error = Error::Damaged("a quantisation table is too short");
        while let [what, rest @ ..] = body {
            let wide = what >> 4 != 0;
            let entry = if wide { 2 } else { 1 };
            let slot = self.tables.quantisation.get_mut(usize::from(what & 15));
            let slot = slot.ok_or(Error::Damaged("a quantisation table has a number above 3"))?;
            let (values, rest) = rest.split_at_checked(64 * entry).ok_or(SHORT)?;
            let mut table = [0; 64];
            for (to, from) in table.iter_mut().zip(values.chunks_exact(entry)) {
                *to = from.iter().fold(0, |value, &byte| value << 8 | u16::from(byte));
            }
            *slot = Some(table);
            body = rest;
        }
        Ok(())
    }

    /// B.2.4.2.
    fn huffman(&mut self, mut body: &[u8]) -> Result<(), Error> {
        const SHORT: Error = Error::Damaged("a Huffman table is too short");
        while let [what, rest @ ..] = body {
            let tables = if what >> 4 == 0 { &mut self.tables.dc } else { &mut self.tables.ac };
            let slot = tables.get_mut(usize::from(what & 15)).filter(|_| what >> 4 <= 1);
            let slot = slot.ok_or(Error::Damaged("a Huffman table has a number above 3"))?;
            let (counts, rest) = rest.split_first_chunk::<16>().ok_or(SHORT)?;
            let total = counts.iter().map(|&count| usize::from(count)).sum();
            let (values, rest) = rest.split_at_checked(total).ok_or(SHORT)?;
            *slot = Some(Spec::new(*counts, values)?);
            body = rest;
        }
        Ok(())
    }

    /// B.2.3.
    fn scan(&self, body: &[u8]) -> Result<Scan, Error> {
        const SHORT: Error = Error::Damaged("a scan header is too short");
        let frame = self.frame.as_ref().ok_or(Error::Damaged("a scan comes before the frame header"))?;
        let (&count, rest) = body.split_first().ok_or(SHORT)?;
        let (selectors, rest) = rest.split_at_checked(2 * usize::from(count)).ok_or(SHORT)?;
        let [start, end, bits, ..] = *rest else { return Err(SHORT) };
        let mut components: Vec<(usize, u8, u8)> = Vec::new();
        for pair in selectors.chunks_exact(2) {
            let (id, tables) = (pair[0], pair[1]);
            // Some files give several components the same identifier: the next one is meant.
            let index = (0..frame.components.len()).find(|&index| {
                frame.components[index].id == id && components.iter().all(|&(other, ..)| other != index)
            });
            let index = index.ok_or(Error::Damaged("a scan names a component that the frame does not have"))?;
            if tables >> 4 > 3 || tables & 15 > 3 {
                return Err(Error::Damaged("a scan names a Huffman table with a number above 3"));
            }
            components.push((index, tables >> 4, tables & 15));
        }
        if components.is_empty() {
            return Err(Error::Damaged("a scan has no components"));
        }
        if !frame.progressive {
            // Some writers leave other values here, which libjpeg ignores, too.
            return Ok(Scan { components, start: 0, end: 63, high: 0, low: 0 });
        }
        let scan = Scan { components, start, end, high: bits >> 4, low: bits & 15 };
        // G.1.1.1: DC and AC never share a scan, and AC scans have one component.
        let band = if start == 0 { end == 0 } else { start <= end && end < 64 && scan.components.len() == 1 };
        // A refinement goes down by one bit. More than 13 there cannot be; libjpeg is content with other steps.
        if !band || scan.low > 13 {
            return Err(Error::Damaged("a scan has no valid band of coefficients"));
        }
        Ok(scan)
    }
}

/// B.2.2.
fn frame(code: u8, body: &[u8]) -> Result<Frame, Error> {
    let unsupported = match code {
        0xC0..=0xC2 => None,
        0xC3 => Some("lossless"),
        0xC5..=0xC7 => Some("hierarchical"),
        0xC9..=0xCB => Some("arithmetic coding"),
        _ => Some("hierarchical, with arithmetic coding"),
    };
    if let Some(what) = unsupported {
        return Err(Error::Unsupported(what));
    }
    let [precision, y1, y0, x1, x0, count, rest @ ..] = body else {
        return Err(Error::Damaged("the frame header is too short"));
    };
    let (width, height) = (u16::from_be_bytes([*x1, *x0]), u16::from_be_bytes([*y1, *y0]));
    if *precision != 8 {
        return Err(Error::Unsupported("samples of other than 8 bits"));
    }
    if width == 0 {
        return Err(Error::Damaged("it has no width"));
    }
    if height == 0 {
        return Err(Error::Unsupported("the height comes after the first scan"));
    }
    if !matches!(count, 1 | 3 | 4) {
        return Err(Error::Unsupported("other than 1, 3 or 4 components"));
    }
    let mut components = Vec::new();
    for triple in rest.chunks_exact(3).take(usize::from(*count)) {
        let (id, h, v, table) = (triple[0], triple[1] >> 4, triple[1] & 15, triple[2]);
        if !(1..=4).contains(&h) || !(1..=4).contains(&v) {
            return Err(Error::Damaged("a component has an impossible sampling factor"));
        }
        components.push(FrameComponent { id, h, v, table });
    }
    if components.len() != usize::from(*count) {
        return Err(Error::Damaged("the frame header is too short"));
    }
    if let [single] = &mut *components {
        // Alone, its MCU is a block whatever the factors are (A.2.2).
        (single.h, single.v) = (1, 1);
    }
    Ok(Frame { width, height, progressive: code == marker::SOF2, components })
}

/// Where the next marker is, and which. Stuffed zeros and fill bytes are none.
pub fn find_marker(data: &[u8], mut from: usize) -> Option<(usize, u8)> {
    loop {
        from += data.get(from..)?.iter().position(|&byte| byte == 0xFF)?;
        match data.get(from + 1)? {
            0 => from += 2,
            0xFF => from += 1,
            &code => return Some((from, code)),
        }
    }
}
