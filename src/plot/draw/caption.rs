//! A caption as LaTeX.

/// Characters that LaTeX sets in mathematics mode.
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

/// Characters that LaTeX reads as commands, and signs of text.
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

/// `text` for LaTeX. What it has no command for stays as it is: newer engines set any character.
pub(super) fn tex(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        let hat = characters.next_if_eq(&'\u{302}').is_some();
        let symbol = MATHEMATICS.iter().find(|(symbol, _)| *symbol == c).map(|(_, command)| *command);
        match (symbol, hat) {
            (Some(command), false) => out.extend(["$", command, "$"]),
            (Some(command), true) => out.extend([r"$\hat", command, "$"]),
            (None, true) => out.extend([r"$\hat{", c.to_string().as_str(), "}$"]),
            (None, false) => plain(&mut out, c),
        }
    }
    out
}

fn plain(out: &mut String, c: char) {
    let script = |digits: &str| digits.chars().position(|digit| digit == c);
    if let Some((_, command)) = TEXT.iter().find(|(text, _)| *text == c) {
        out.push_str(command);
    } else if let Some(digit) = script(SUPERSCRIPTS) {
        out.extend(["$^", digit.to_string().as_str(), "$"]);
    } else if let Some(digit) = script(SUBSCRIPTS) {
        out.extend(["$_", digit.to_string().as_str(), "$"]);
    } else {
        match c {
            '⁻' => out.push_str("$^{-}$"),
            '⁺' => out.push_str("$^{+}$"),
            'ₙ' => out.push_str("$_n$"),
            'ᵀ' => out.push_str(r"$^{\top}$"),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::tex;

    #[test]
    fn captions_compile() {
        assert_eq!(tex("50\u{a0}% of α_1 & 10⁻³"), r"50~\% of $\alpha$\_1 \& 10$^{-}$$^3$");
        assert_eq!(tex("‖β\u{302}‖ ≤ x\u{302}{y}"), r"$\|$$\hat\beta$$\|$ $\le$ $\hat{x}$\{y\}");
        assert_eq!(tex("n = 1–39, σ₁ \\ 字"), r"n = 1--39, $\sigma$$_1$ \textbackslash{} 字");
    }
}
