//! Captions as LaTeX.

use std::iter::Peekable;
use std::str::Chars;

/// Characters that become commands of LaTeX's mathematics mode.
const MATHEMATICS: [(char, &str); 36] = [
    ('α', r"\alpha"),
    ('β', r"\beta"),
    ('γ', r"\gamma"),
    ('δ', r"\delta"),
    ('ε', r"\varepsilon"),
    ('θ', r"\theta"),
    ('κ', r"\kappa"),
    ('λ', r"\lambda"),
    ('μ', r"\mu"),
    ('π', r"\pi"),
    ('ρ', r"\rho"),
    ('σ', r"\sigma"),
    ('τ', r"\tau"),
    ('φ', r"\varphi"),
    ('ψ', r"\psi"),
    ('ω', r"\omega"),
    ('Σ', r"\Sigma"),
    ('Λ', r"\Lambda"),
    ('Ω', r"\Omega"),
    ('Δ', r"\Delta"),
    ('−', "-"),
    ('×', r"\times"),
    ('·', r"\cdot"),
    ('≤', r"\le"),
    ('≥', r"\ge"),
    ('≈', r"\approx"),
    ('≪', r"\ll"),
    ('±', r"\pm"),
    ('∞', r"\infty"),
    ('√', r"\surd"),
    ('‖', r"\|"),
    ('→', r"\to"),
    ('∈', r"\in"),
    ('⟨', r"\langle"),
    ('⟩', r"\rangle"),
    ('∝', r"\propto"),
];

/// Characters that LaTeX would read as commands, and signs used in text.
const TEXT: [(char, &str); 19] = [
    ('\\', r"\textbackslash{}"),
    ('{', r"\{"),
    ('}', r"\}"),
    ('$', r"\$"),
    ('%', r"\%"),
    ('&', r"\&"),
    ('#', r"\#"),
    ('_', r"\_"),
    ('~', r"\textasciitilde{}"),
    ('^', r"\textasciicircum{}"),
    ('<', r"$<$"),
    ('>', r"$>$"),
    ('|', r"$|$"),
    ('\u{a0}', "~"),
    ('–', "--"),
    ('—', "---"),
    ('…', r"\ldots{}"),
    ('’', "'"),
    ('½', r"$\frac12$"),
];

const SUPERSCRIPTS: &str = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const SUBSCRIPTS: &str = "₀₁₂₃₄₅₆₇₈₉";

/// Converts `text` to LaTeX. A character without a replacement is left unchanged: newer engines set any character.
pub(super) fn tex(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(&c) = characters.peek() {
        if superscript(c).or_else(|| subscript(c)).is_some() {
            out.extend(["$", &scripts(&mut characters), "$"]);
            continue;
        }
        characters.next();
        let hat = characters.next_if_eq(&'\u{302}').is_some();
        let mut number = String::from(c);
        while c.is_ascii_digit() && !hat && characters.peek().is_some_and(char::is_ascii_digit) {
            number.extend(characters.next());
        }
        let raised = scripts(&mut characters);
        let symbol = MATHEMATICS.iter().find(|(symbol, _)| *symbol == c).map(|(_, command)| *command);
        match (symbol, hat) {
            (Some(command), false) => out.extend(["$", command, &raised, "$"]),
            (Some(command), true) => out.extend([r"$\hat", command, &raised, "$"]),
            (None, true) => out.extend([r"$\hat{", &number, "}", &raised, "$"]),
            (None, false) if raised.is_empty() => plain(&mut out, &number),
            (None, false) if c.is_ascii_alphanumeric() => out.extend(["$", &number, &raised, "$"]),
            (None, false) => {
                plain(&mut out, &number);
                out.extend(["$", &raised, "$"]);
            }
        }
    }
    out
}

/// Reads the superscripts and subscripts that follow, in mathematics mode: `^{-12}`, `_1`.
fn scripts(characters: &mut Peekable<Chars<'_>>) -> String {
    let mut all = String::new();
    for (sign, of) in [('^', superscript as fn(char) -> Option<String>), ('_', subscript)] {
        let mut script = String::new();
        while let Some(part) = characters.peek().copied().and_then(of) {
            script += &part;
            characters.next();
        }
        match script.chars().count() {
            0 => {}
            1 => all.extend([sign.to_string(), script]),
            _ => all.extend([format!("{sign}{{"), script, "}".into()]),
        }
    }
    all
}

/// Returns the mathematics-mode form of a superscript character.
fn superscript(c: char) -> Option<String> {
    match c {
        '⁻' => Some("-".into()),
        '⁺' => Some("+".into()),
        'ᵀ' => Some(r"\top".into()),
        c => digit_of(SUPERSCRIPTS, c),
    }
}

/// Returns the mathematics-mode form of a subscript character.
fn subscript(c: char) -> Option<String> {
    match c {
        'ₙ' => Some("n".into()),
        'ᵣ' => Some("r".into()),
        'ₖ' => Some("k".into()),
        c => digit_of(SUBSCRIPTS, c),
    }
}

fn digit_of(digits: &str, c: char) -> Option<String> {
    digits.chars().position(|digit| digit == c).map(|digit| digit.to_string())
}

fn plain(out: &mut String, text: &str) {
    for c in text.chars() {
        match TEXT.iter().find(|(text, _)| *text == c) {
            Some((_, command)) => out.push_str(command),
            None => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::tex;

    #[test]
    fn captions_compile() {
        assert_eq!(tex("50\u{a0}% of α_1 & 10⁻³"), r"50~\% of $\alpha$\_1 \& $10^{-3}$");
        assert_eq!(tex("‖β\u{302}‖ ≤ x\u{302}{y}"), r"$\|$$\hat\beta$$\|$ $\le$ $\hat{x}$\{y\}");
        assert_eq!(tex("n = 1–39, σ₁ \\ 字"), r"n = 1--39, $\sigma_1$ \textbackslash{} 字");
        assert_eq!(
            tex("10⁻¹² r₀ Vᵀ 3.2·10⁷ (a)² p\u{302}⁰"),
            r"$10^{-12}$ $r_0$ $V^{\top}$ 3.2$\cdot$$10^7$ (a)$^2$ $\hat{p}^0$"
        );
        // A superscript with nothing before it; a subscript followed by a superscript.
        assert_eq!(tex("² x₁² σ²₁"), "$^2$ $x_1$$^2$ $\\sigma^2_1$");
    }
}
