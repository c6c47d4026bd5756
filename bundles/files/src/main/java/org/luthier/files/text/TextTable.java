package org.luthier.files.text;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Rows of text in columns, each as wide as its widest cell, two spaces apart. A row is one line: control characters in cells, which may
 * come from files, are shown as escapes.
 */
public final class TextTable {
    private static final String GAP = "  ";
    private static final Pattern CONTROL = Pattern.compile("\\p{Cc}");

    private final List<Boolean> right = new ArrayList<>();
    private final List<Integer> widths = new ArrayList<>();
    private final List<String[]> rows = new ArrayList<>();

    /** @param headings one a column; one that begins with {@code >} aligns its column to the right. None for a table without */
    public TextTable(String... headings) {
        String[] first = new String[headings.length];
        for (int i = 0; i < headings.length; i++) {
            right.add(headings[i].startsWith(">"));
            first[i] = headings[i].substring(right.get(i) ? 1 : 0);
        }
        if (headings.length > 0) {
            row((Object[]) first);
        }
    }

    /** Adds a row, of any number of cells; null cells are empty. */
    public TextTable row(Object... cells) {
        String[] row = new String[cells.length];
        for (int i = 0; i < cells.length; i++) {
            row[i] = cells[i] == null ? "" : escaped(cells[i].toString());
            if (i == widths.size()) {
                widths.add(0);
            }
            widths.set(i, Math.max(widths.get(i), row[i].length()));
        }
        rows.add(row);
        return this;
    }

    private static String escaped(String cell) {
        return CONTROL.matcher(cell).replaceAll(found -> switch (found.group().charAt(0)) {
            case '\n' -> "\\\\n";
            case '\r' -> "\\\\r";
            case '\t' -> "\\\\t";
            default -> String.format("\\\\u%04x", (int) found.group().charAt(0));
        });
    }

    /** The lines, without a line break behind the last. */
    @Override
    public String toString() {
        return rows.stream().map(this::line).collect(Collectors.joining("\n"));
    }

    private String line(String[] row) {
        StringBuilder line = new StringBuilder();
        for (int i = 0; i < row.length; i++) {
            boolean toTheRight = i < right.size() && right.get(i);
            // Nothing is put behind the last cell: others of its column may be very long.
            String padding = i == row.length - 1 && !toTheRight ? "" : " ".repeat(widths.get(i) - row[i].length());
            line.append(i == 0 ? "" : GAP).append(toTheRight ? padding + row[i] : row[i] + padding);
        }
        return line.toString().stripTrailing();
    }
}
