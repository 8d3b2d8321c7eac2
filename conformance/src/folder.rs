use std::fs;
use std::path::{Path, PathBuf};

use crate::report::{FileReport, Report};
use crate::{boxes, conversations, traffic, types};

/// Plays every `types*.json`, `boxes*.json`, `conversations*.json` and `real_traffic/*/` of a folder.
pub fn play(directory: &Path) -> Report {
    let mut report = Report::default();
    let names = match entries(directory) {
        Ok(names) => names,
        Err(why) => {
            let name = directory.display().to_string();
            report.files.push(FileReport::broken(name, why));
            return report;
        }
    };
    for path in &names {
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            continue;
        };
        let play = match name.strip_suffix(".json") {
            Some(name) if name.starts_with("types") => types::play,
            Some(name) if name.starts_with("boxes") => boxes::play,
            Some(name) if name.starts_with("conversations") => conversations::play,
            _ => continue,
        };
        report.files.push(match fs::read(path) {
            Ok(text) => play(name, &text),
            Err(why) => FileReport::broken(name, why),
        });
    }
    let captures = directory.join("real_traffic");
    if captures.is_dir() {
        match entries(&captures) {
            Ok(folders) => {
                let folders = folders.iter().filter(|path| path.is_dir());
                report.files.extend(folders.map(|path| traffic::play(path)));
            }
            Err(why) => report.files.push(FileReport::broken("real_traffic", why)),
        }
    }
    report
}

fn entries(directory: &Path) -> std::io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(directory)?;
    let mut paths = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}
