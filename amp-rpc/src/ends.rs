//! The addresses of a connection, as long as nobody asks for them.

use std::net::{SocketAddr, SocketAddrV4};
use std::sync::OnceLock;

use crate::transport::{Address, Addresses};

/// Both ends' addresses. Those of most connections, which are two of IPv4, take little until somebody asks for them.
pub(crate) struct Ends {
    brief: Option<Brief>,
    known: OnceLock<Box<Addresses>>,
}

#[derive(Clone, Copy)]
struct Brief {
    local: SocketAddrV4,
    remote: SocketAddrV4,
}

impl Brief {
    fn of(addresses: &Addresses) -> Option<Self> {
        match (&addresses.local, &addresses.remote) {
            (
                Some(Address::Tcp(SocketAddr::V4(local))),
                Some(Address::Tcp(SocketAddr::V4(remote))),
            ) => Some(Self {
                local: *local,
                remote: *remote,
            }),
            _ => None,
        }
    }
}

impl From<Addresses> for Ends {
    fn from(addresses: Addresses) -> Self {
        let brief = Brief::of(&addresses);
        let is_told = brief.is_some() || addresses == Addresses::default();
        Self {
            brief,
            known: match is_told {
                true => OnceLock::new(),
                false => Box::new(addresses).into(),
            },
        }
    }
}

impl Ends {
    pub(crate) fn get(&self) -> &Addresses {
        self.known.get_or_init(|| {
            let address = |address| Some(Address::Tcp(SocketAddr::V4(address)));
            Box::new(match self.brief {
                Some(Brief { local, remote }) => Addresses {
                    local: address(local),
                    remote: address(remote),
                },
                None => Addresses::default(),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_what_they_were() {
        let tcp = |address: &str| Some(Address::Tcp(address.parse().unwrap()));
        let ends = [None, tcp("192.0.2.1:80"), tcp("[2001:db8::1]:80")];
        for local in ends.clone() {
            for remote in ends.clone() {
                let local = local.clone();
                let addresses = Addresses { local, remote };
                assert_eq!(*Ends::from(addresses.clone()).get(), addresses);
            }
        }
    }

    #[test]
    fn two_of_ipv4_take_little() {
        let tcp = |address: &str| Some(Address::Tcp(address.parse().unwrap()));
        let (local, remote) = (tcp("192.0.2.1:80"), tcp("192.0.2.2:81"));
        assert!(
            Ends::from(Addresses { local, remote })
                .known
                .get()
                .is_none()
        );
        assert!(2 * size_of::<Ends>() <= size_of::<Addresses>());
    }
}
