//! Checks that every link and image of a built site points to one of its files, and every fragment to a name in that
//! file.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Prints broken links and the number of links checked. Links to other sites are not followed.
pub fn check(site: &Path) -> ExitCode {
    let mut pages = Vec::new();
    collect(site, &mut pages);
    let (mut links, mut broken) = (0, BTreeSet::new());
    for page in &pages {
        let Ok(text) = std::fs::read_to_string(page) else { continue };
        for target in targets(&text) {
            links += 1;
            if let Some(reason) = fault(page, &target) {
                broken.insert(format!("{}: {target}: {reason}", page.display()));
            }
        }
    }
    for line in &broken {
        println!("{line}");
    }
    println!("{links} links of {} pages, {} broken", pages.len(), broken.len());
    if pages.is_empty() || !broken.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn collect(folder: &Path, pages: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        if path.is_dir() {
            collect(&path, pages);
        } else if path.extension().is_some_and(|extension| extension == "html") {
            pages.push(path);
        }
    }
    pages.sort();
}

/// Returns the values of `href` and `src`, except links to other sites.
fn targets(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for name in [" href=\"", " src=\""] {
        for rest in text.split(name).skip(1) {
            let target = rest.split('"').next().unwrap_or_default();
            let leaves =
                ["http:", "https:", "data:", "mailto:", "javascript:"].iter().any(|s| target.starts_with(s));
            if !leaves && !target.is_empty() {
                found.push(target.replace("&amp;", "&"));
            }
        }
    }
    found
}

fn fault(page: &Path, target: &str) -> Option<String> {
    let (path, fragment) = target.split_once('#').map_or((target, None), |(path, name)| (path, Some(name)));
    let path = path.split('?').next().unwrap_or_default();
    let file = if path.is_empty() { page.to_owned() } else { page.parent()?.join(path) };
    let file = if file.is_dir() { file.join("index.html") } else { file };
    if !file.exists() {
        return Some("no such file".into());
    }
    let fragment = fragment.filter(|name| !name.is_empty())?;
    let text = std::fs::read_to_string(&file).ok()?;
    let named =
        text.contains(&format!("id=\"{fragment}\"")) || text.contains(&format!("name=\"{fragment}\""));
    (!named).then(|| format!("nothing is named {fragment} there"))
}
