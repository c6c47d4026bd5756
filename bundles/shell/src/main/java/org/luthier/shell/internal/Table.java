package org.luthier.shell.internal;

import java.util.ArrayList;
import java.util.List;

/** Rows of text in columns, each as wide as its widest cell, two spaces apart. */
public final class Table {
    private final List<String[]> rows = new ArrayList<>();
    private final List<Integer> widths = new ArrayList<>();

    /** Adds a row; null cells are empty. */
    public Table row(Object... cells) {
        String[] row = new String[cells.length];
        for (int i = 0; i < cells.length; i++) {
            row[i] = cells[i] == null ? "" : cells[i].toString();
            if (i == widths.size()) {
                widths.add(0);
            }
            widths.set(i, Math.max(widths.get(i), row[i].length()));
        }
        rows.add(row);
        return this;
    }

    @Override
    public String toString() {
        List<String> lines = new ArrayList<>();
        for (String[] row : rows) {
            StringBuilder line = new StringBuilder();
            for (int i = 0; i < row.length; i++) {
                line.append(row[i]);
                if (i < row.length - 1) {
                    line.append(" ".repeat(widths.get(i) - row[i].length() + 2));
                }
            }
            lines.add(line.toString().stripTrailing());
        }
        return String.join("\n", lines);
    }
}
