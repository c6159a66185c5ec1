//! Changes texts token by token, where changes byte by byte mostly make texts that cannot be read.

/// Changes the first `length` bytes of the buffer, and says how long the text is then: at least a byte.
pub fn change(buffer: &mut [u8], length: usize, seed: u32) -> usize {
    let length = length.min(buffer.len());
    let mut dice = Dice(u64::from(seed) << 1 | 1);
    let text = buffer[..length].to_vec();
    let mut tokens = split(&text);
    for _ in 0..=dice.below(4) {
        if tokens.is_empty() {
            return length;
        }
        let (from, to, other) = (dice.below(tokens.len()), dice.below(tokens.len()), dice.below(tokens.len()));
        let group = from..end_of_group(&tokens, from);
        match dice.below(7) {
            0 => drop(tokens.drain(group)),
            1 => insert(&mut tokens, to, group, 1),
            2 => insert(&mut tokens, to, group, 2 + dice.below(50)),
            3 => tokens[from] = tokens[other],
            4 => tokens.swap(from, other),
            // A group goes into another.
            5 => {
                let copy = tokens[group].to_vec();
                let end = end_of_group(&tokens, to);
                tokens.splice(to..end, copy);
            }
            _ => tokens.rotate_left(from),
        }
    }
    let changed = tokens.concat();
    if changed.is_empty() {
        return length;
    }
    let length = changed.len().min(buffer.len());
    buffer[..length].copy_from_slice(&changed[..length]);
    length
}

fn insert<'a>(tokens: &mut Vec<&'a [u8]>, at: usize, group: std::ops::Range<usize>, times: usize) {
    // Texts that are longer than all that is read teach nothing.
    let times = times.min(1 + 20_000 / group.len());
    let copy: Vec<&'a [u8]> = tokens[group].repeat(times);
    tokens.splice(at..at, copy);
}

/// Words, and characters by themselves; blanks stay with what they follow.
fn split(text: &[u8]) -> Vec<&[u8]> {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80;
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(&first) = rest.first() {
        let word = if is_word(first) { rest.iter().take_while(|&&byte| is_word(byte)).count() } else { 1 };
        let blanks = rest[word..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let (token, more) = rest.split_at(word + blanks);
        tokens.push(token);
        rest = more;
    }
    tokens
}

/// Behind the bracket that closes the one that stands here; behind the token itself, if it is none.
fn end_of_group(tokens: &[&[u8]], from: usize) -> usize {
    let mut open = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(from) {
        match token[0] {
            b'(' | b'[' | b'{' => open += 1,
            b')' | b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        if open == 0 {
            return at + 1;
        }
    }
    from + 1
}

/// xorshift64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).expect("below a usize")
    }
}
