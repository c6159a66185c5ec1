//! Who counts as one client, where clients share something.

use std::{fmt, net::IpAddr};

use super::UserId;

/// An IPv4 address, or an IPv6 /64, which is what one customer gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network(IpAddr);

impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            v4 @ IpAddr::V4(_) => v4,
            IpAddr::V6(v6) => {
                let [a, b, c, d, ..] = v6.segments();
                [a, b, c, d, 0, 0, 0, 0].into()
            }
        })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(v4) => v4.fmt(f),
            IpAddr::V6(v6) => write!(f, "{v6}/64"),
        }
    }
}

/// A user, however many connections they have; where nobody is signed in, the network that they come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Client {
    /// Somebody known.
    User(UserId),
    /// Anybody else.
    Network(Network),
}

impl Client {
    /// This user, or else whoever is at this address.
    #[must_use]
    pub fn new(user: Option<UserId>, address: IpAddr) -> Self {
        user.map_or_else(|| Self::Network(address.into()), Self::User)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_client_is_its_network() {
        let network = |text: &str| Network::from(text.parse::<IpAddr>().unwrap());
        assert_eq!(network("2001:db8:1:2:3::4"), network("2001:db8:1:2:ffff::1"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network("2001:db8:1:2:3::4").to_string(), "2001:db8:1:2::/64");
        assert_eq!(network("::ffff:192.0.2.1").to_string(), "192.0.2.1");
    }
}
