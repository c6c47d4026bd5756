package org.luthier.debug.doctor;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.luthier.files.text.TextTable;

/**
 * What was found.
 *
 * @param subject what was examined, for people
 * @param examined the stages that were looked at, in their order
 * @param findings in the order of the stages: the first is the one to begin with, those behind it may follow from it
 * @param remarks what is worth knowing and nothing wrong, each one line
 */
public record Diagnosis(String subject, List<Stage> examined, List<Finding> findings, List<String> remarks) {
    /** Whether nothing is wrong. */
    public boolean healthy() {
        return findings.isEmpty();
    }

    /** The object that {@code checkpoint:doctor --json} prints. */
    public Map<String, Object> asMap() {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("healthy", healthy());
        map.put("findings", findings.stream().map(Finding::asMap).toList());
        return map;
    }

    /** A few lines for people. */
    public String text() {
        String stages = examined.stream().map(Stage::toString).collect(Collectors.joining(", "));
        StringBuilder text = new StringBuilder(healthy() ? "healthy: " : "").append(subject);
        remarks.forEach(remark -> text.append("\nremark: ").append(remark));
        if (healthy()) {
            return text.append("\nlooked at: ").append(stages).toString();
        }
        text.append('\n');
        for (Finding finding : findings) {
            text.append('\n')
                    .append(finding.stage())
                    .append(": ")
                    .append(finding.what())
                    .append('\n')
                    .append(new TextTable()
                            .row("  cause", finding.cause())
                            .row("  evidence", finding.evidence())
                            .row("  next", finding.next()))
                    .append('\n');
        }
        return text.append("\nfirst looks wrong at: ")
                .append(findings.get(0).stage())
                .append("; ")
                .append(findings.size())
                .append(findings.size() == 1 ? " finding" : " findings")
                .append("; looked at: ")
                .append(stages)
                .toString();
    }
}
