package org.luthier.converter;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.luthier.api.checkpoint.Ledger;

/**
 * What a conversion did.
 *
 * @param ledger what became of every tensor
 * @param target the file written
 * @param sha256 checksum of the target
 */
public record Conversion(Ledger ledger, Path target, String sha256) {
    private static final List<String> HEADINGS = List.of("weight", "shape", "type", "transform", "source");

    /** The ledger for people: a line a weight, then what was dropped, counted by reason. */
    public String table() {
        List<List<String>> rows = new ArrayList<>(List.of(HEADINGS));
        Map<String, Integer> dropped = new LinkedHashMap<>();
        for (Ledger.Entry entry : ledger.entries()) {
            if (entry.target() == null) {
                dropped.merge(entry.transform(), 1, Integer::sum);
            } else {
                String shape = entry.shape().stream().map(String::valueOf).collect(Collectors.joining("x"));
                rows.add(List.of(entry.target(), shape, entry.dtype().toString(), entry.transform(), entry.source()));
            }
        }
        int[] widths = new int[HEADINGS.size()];
        for (List<String> row : rows) {
            for (int i = 0; i < widths.length; i++) {
                widths[i] = Math.max(widths[i], row.get(i).length());
            }
        }
        StringBuilder table = new StringBuilder();
        for (List<String> row : rows) {
            StringBuilder line = new StringBuilder();
            for (int i = 0; i < widths.length; i++) {
                line.append(row.get(i)).append(" ".repeat(widths[i] - row.get(i).length() + 2));
            }
            table.append(line.toString().stripTrailing()).append('\n');
        }
        dropped.forEach((reason, count) -> table.append(reason)
                .append(" (")
                .append(count)
                .append(count == 1 ? " tensor" : " tensors")
                .append(")\n"));
        return table.toString();
    }
}
