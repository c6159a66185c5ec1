//! One component: its blocks and the plane that they become.

use crate::{
    Component as Sampling, Error, Plane, Scale,
    idct::Dequantiser,
    markers::{Frame, Tables},
};

/// One component of the frame.
pub struct Component {
    /// How much of it is decoded.
    pub scale: Scale,
    /// Blocks of an MCU across.
    pub h: usize,
    /// Blocks of an MCU down.
    pub v: usize,
    /// Blocks across that hold some of the image: what a scan of this component alone has (A.2.2).
    pub columns: usize,
    /// Blocks down, likewise.
    pub rows: usize,
    /// Blocks across in whole MCUs.
    pub all_columns: usize,
    /// Blocks down in whole MCUs.
    pub all_rows: usize,
    /// The number of its quantisation table.
    table: u8,
    /// The table, once a scan had it.
    pub dequantiser: Option<Dequantiser>,
    /// Rows of blocks that were decoded from data.
    pub decoded_rows: usize,
    /// In samples.
    pub stride: usize,
    /// Mid-grey where nothing is decoded.
    pub samples: Vec<u8>,
    width: u32,
    height: u32,
}

/// The sizes that follow from a frame (A.1.1, A.2.4).
pub struct Geometry {
    /// MCUs across.
    pub mcu_columns: usize,
    /// MCUs down.
    pub mcu_rows: usize,
    /// The largest sampling factor down.
    pub v_max: usize,
    h_max: usize,
    width: usize,
    height: usize,
}

impl Geometry {
    /// Of a frame.
    pub fn new(frame: &Frame) -> Self {
        let (width, height) = (usize::from(frame.width), usize::from(frame.height));
        let h_max = frame.components.iter().map(|component| usize::from(component.h)).max().unwrap_or(1);
        let v_max = frame.components.iter().map(|component| usize::from(component.v)).max().unwrap_or(1);
        Self {
            mcu_columns: width.div_ceil(8 * h_max),
            mcu_rows: height.div_ceil(8 * v_max),
            v_max,
            h_max,
            width,
            height,
        }
    }

    /// Samples of a component with padding, at a scale.
    pub fn padded_samples(&self, sampling: Sampling, scale: Scale) -> u64 {
        let blocks = self.mcu_columns * usize::from(sampling.h) * self.mcu_rows * usize::from(sampling.v);
        (blocks * scale.points() * scale.points()) as u64
    }
}

impl Component {
    /// Component `index` of the frame, with a plane if `direct`.
    pub fn new(frame: &Frame, geometry: &Geometry, index: usize, scale: Scale) -> Self {
        let component = &frame.components[index];
        let (h, v) = (usize::from(component.h), usize::from(component.v));
        let full_width = (geometry.width * h).div_ceil(geometry.h_max);
        let full_height = (geometry.height * v).div_ceil(geometry.v_max);
        let points = scale.points();
        let (all_columns, all_rows) = (geometry.mcu_columns * h, geometry.mcu_rows * v);
        let stride = all_columns * points;
        Self {
            scale,
            h,
            v,
            columns: full_width.div_ceil(8),
            rows: full_height.div_ceil(8),
            all_columns,
            all_rows,
            table: component.table,
            dequantiser: None,
            decoded_rows: 0,
            stride,
            samples: vec![128; stride * all_rows * points],
            width: side(full_width, points),
            height: side(full_height, points),
        }
    }

    /// Takes the quantisation table that holds now.
    pub fn take_table(&mut self, tables: &Tables, halves: bool) -> Result<(), Error> {
        let table = tables.quantisation.get(usize::from(self.table)).and_then(Option::as_ref);
        let table = table.ok_or(Error::Damaged("a quantisation table is missing"))?;
        self.dequantiser = Some(Dequantiser::new(self.scale, table, halves));
        Ok(())
    }

    /// Repeats the last column of blocks that scans of one component have in those that only whole MCUs have.
    pub fn pad(&mut self) {
        let used = self.columns * self.scale.points();
        if used == self.stride {
            return;
        }
        for row in self.samples.chunks_exact_mut(self.stride) {
            let last = row[used - 1];
            row[used..].fill(last);
        }
    }

    /// The plane.
    pub fn finish(mut self) -> Plane {
        self.samples.truncate(self.stride * self.height as usize);
        Plane { width: self.width, height: self.height, stride: self.stride, samples: self.samples }
    }
}

/// Of a plane at a scale, in samples.
fn side(full: usize, points: usize) -> u32 {
    u32::try_from((full * points).div_ceil(8)).expect("sides have 16 bits")
}
