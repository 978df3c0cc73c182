//! Every package can be had under licences that are allowed, and no more are allowed than are needed.

use serde::Deserialize;
use spdx::{Expression, Licensee, ParseMode};

use super::super::finding::Finding;
use super::super::locked::Locked;
use super::super::tree::Tree;
use super::{FILE, Level};

/// `[licenses]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Licences {
    allow: Vec<String>,
    /// One that no package names is struck out.
    #[serde(rename = "unused-allowed-license")]
    _unused: Level,
}

impl Licences {
    pub(super) fn check(&self, tree: &Tree, found: &mut Vec<Finding>) {
        let mut allowed = Vec::new();
        for name in &self.allow {
            match Licensee::parse(name) {
                Ok(licence) => allowed.push((licence, false)),
                Err(error) => {
                    found.push(Finding::whole(FILE, format!("{name:?} is no licence: {error}")));
                }
            }
        }
        for package in &tree.locked {
            if let Err(message) = judge(package, &mut allowed) {
                found.push(Finding::whole("Cargo.lock", message));
            }
        }
        for (licence, _) in allowed.iter().filter(|(_, named)| !named) {
            found.push(Finding::whole(FILE, format!("no package names the licence {licence}")));
        }
    }
}

/// Whether a package may be used, and which of the allowed licences it names.
fn judge(package: &Locked, allowed: &mut [(Licensee, bool)]) -> Result<(), String> {
    let Some(text) = &package.license else {
        return Err(format!("{package} names no licence"));
    };
    // Older manifests have a slash for OR.
    let terms = Expression::parse_mode(text, ParseMode::LAX)
        .map_err(|error| format!("{package}: {text:?} is no expression of licences: {error}"))?;
    for required in terms.requirements() {
        for (licence, named) in allowed.iter_mut() {
            *named |= licence.satisfies(&required.req);
        }
    }
    if terms.evaluate(|required| allowed.iter().any(|(licence, _)| licence.satisfies(required))) {
        Ok(())
    } else {
        Err(format!("{package} is under {text}, which {FILE} does not allow"))
    }
}
