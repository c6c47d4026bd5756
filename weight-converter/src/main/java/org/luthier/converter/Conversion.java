package org.luthier.converter;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.luthier.api.checkpoint.Ledger;
import org.luthier.files.text.TextTable;

/**
 * What a conversion did.
 *
 * @param ledger what became of every tensor
 * @param target the file or folder written
 * @param sha256 checksum of the target
 * @param warnings what a user should know, each one line
 */
public record Conversion(Ledger ledger, Path target, String sha256, List<String> warnings) {
    /** The ledger for people: a line a weight, then what was dropped, counted by reason. */
    public String table() {
        TextTable weights = new TextTable("weight", "shape", "type", "transform", "source");
        Map<String, Integer> dropped = new LinkedHashMap<>();
        for (Ledger.Entry entry : ledger.entries()) {
            if (entry.target() == null) {
                dropped.merge(entry.transform(), 1, Integer::sum);
            } else {
                String shape = entry.shape().stream().map(String::valueOf).collect(Collectors.joining("x"));
                weights.row(entry.target(), shape, entry.dtype(), entry.transform(), entry.source());
            }
        }
        StringBuilder table = new StringBuilder(weights + "\n");
        dropped.forEach((reason, count) -> table.append(reason)
                .append(" (")
                .append(count)
                .append(count == 1 ? " tensor" : " tensors")
                .append(")\n"));
        return table.toString();
    }
}
