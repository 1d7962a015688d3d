//! A table as text: tab separated, CSV, Markdown, LaTeX.

use super::command::{Table, TableFormat};

/// Writes header and rows in the given format, with a final line end.
pub fn table_text(table: &Table, format: TableFormat) -> String {
    match format {
        TableFormat::Tsv => separated(table, b'\t'),
        TableFormat::Csv => separated(table, b','),
        TableFormat::Markdown => markdown(table),
        TableFormat::Latex => latex(table),
    }
}

fn separated(table: &Table, delimiter: u8) -> String {
    let mut writer = csv::WriterBuilder::new().delimiter(delimiter).flexible(true).from_writer(Vec::new());
    for row in std::iter::once(&table.header).chain(&table.rows) {
        writer.write_record(row).expect("writing to memory does not fail");
    }
    let bytes = writer.into_inner().expect("writing to memory does not fail");
    String::from_utf8(bytes).expect("the cells are text")
}

fn markdown(table: &Table) -> String {
    let line = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|").replace('\n', " ")).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let rule: Vec<String> = table.header.iter().map(|_| "---".to_owned()).collect();
    std::iter::once(&table.header).chain([&rule]).chain(&table.rows).map(|row| line(row)).collect()
}

fn latex(table: &Table) -> String {
    let line = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|cell| latex_cell(cell)).collect();
        format!("{} \\\\\n", cells.join(" & "))
    };
    let mut text = format!("\\begin{{tabular}}{{{}}}\n\\hline\n", "l".repeat(table.header.len()));
    text += &line(&table.header);
    text += "\\hline\n";
    text.extend(table.rows.iter().map(|row| line(row)));
    text + "\\hline\n\\end{tabular}\n"
}

fn latex_cell(cell: &str) -> String {
    let mut text = String::with_capacity(cell.len());
    for letter in cell.chars() {
        match letter {
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => {
                text.push('\\');
                text.push(letter);
            }
            '\\' => text.push_str("\\textbackslash{}"),
            '~' => text.push_str("\\textasciitilde{}"),
            '^' => text.push_str("\\textasciicircum{}"),
            '\n' => text.push(' '),
            other => text.push(other),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        Table {
            name: "strata".into(),
            header: vec!["stratum".into(), "share, %".into()],
            rows: vec![vec!["top_k | near".into(), "97 & more".into()]],
        }
    }

    #[test]
    fn every_format_keeps_the_cells_apart() {
        assert_eq!(table_text(&table(), TableFormat::Tsv), "stratum\tshare, %\ntop_k | near\t97 & more\n");
        assert_eq!(table_text(&table(), TableFormat::Csv), "stratum,\"share, %\"\ntop_k | near,97 & more\n");
        assert_eq!(
            table_text(&table(), TableFormat::Markdown),
            "| stratum | share, % |\n| --- | --- |\n| top_k \\| near | 97 & more |\n"
        );
        assert_eq!(
            table_text(&table(), TableFormat::Latex),
            "\\begin{tabular}{ll}\n\\hline\nstratum & share, \\% \\\\\n\\hline\ntop\\_k | near & 97 \\& more \\\\\n\\hline\n\\end{tabular}\n"
        );
    }
}
