package org.luthier.checkpoint;

import java.net.URL;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.luthier.api.Cancellation;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.CheckpointException;
import org.luthier.api.checkpoint.TensorInfo;
import org.luthier.files.text.TextTable;

/**
 * What two checkpoints have in common and how they differ, tensor by tensor, of which no more than one pair is in memory.
 *
 * @param compared how many tensors are in both
 * @param sameBits whether all of these have the same shape, type and bytes
 * @param types how types differ where values do not, for example {@code "F16 in A, F32 in B"}
 * @param different in the order of A
 * @param onlyA names of tensors that B has not
 * @param onlyB names of tensors that A has not
 */
public record CheckpointComparison(
        int compared,
        boolean sameBits,
        Set<String> types,
        List<Difference> different,
        List<String> onlyA,
        List<String> onlyB) {
    /** Kinds that say no more than that the contents are others. */
    private static final Set<Finding.Kind> UNEXPLAINED =
            EnumSet.of(Finding.Kind.VALUES, Finding.Kind.SHAPE, Finding.Kind.NOT_FINITE);

    /**
     * A tensor that is not the same in both.
     *
     * @param name that both have it under
     * @param a shape and type in A
     * @param b shape and type in B
     * @param finding what the difference is
     * @param changed how many values differ; -1 if shapes do
     * @param maxAbs largest difference; NaN if shapes differ or something is not finite
     * @param relL2 length of the difference relative to A; NaN as above
     */
    public record Difference(
            String name, TensorInfo a, TensorInfo b, Finding finding, long changed, double maxAbs, double relL2) {
        private Difference with(Finding other) {
            return new Difference(name, a, b, other, changed, maxAbs, relL2);
        }

        private Map<String, Object> asMap() {
            Map<String, Object> map = new LinkedHashMap<>();
            map.put("name", name);
            map.put("kind", finding.kind().toString());
            map.put("finding", finding.text());
            map.put("shapeA", a.shape());
            map.put("shapeB", b.shape());
            map.put("dtypeA", a.dtype());
            map.put("dtypeB", b.dtype());
            map.put("changed", changed < 0 ? null : changed);
            map.put("maxAbs", Double.isFinite(maxAbs) ? maxAbs : null);
            map.put("relL2", Double.isFinite(relL2) ? relL2 : null);
            return map;
        }
    }

    /**
     * Compares two checkpoints of one model family, whatever names their tensors have there; both stay the caller's. Tensors that the
     * name rules leave out are not compared.
     *
     * @param rules the family's; if none of them is for the one or for the other, the names that they have are compared
     * @throws CheckpointException if a tensor cannot be read
     */
    public static CheckpointComparison of(Checkpoint a, Checkpoint b, List<URL> rules, Cancellation cancellation) {
        List<NameRules> all = rules.stream().map(NameRules::read).toList();
        NameRules rulesA = matching(all, a);
        NameRules rulesB = matching(all, b);
        return rulesA == null || rulesB == null
                ? of(a, b, cancellation)
                : of(rulesA.survey(a).asCheckpoint(), rulesB.survey(b).asCheckpoint(), cancellation);
    }

    private static NameRules matching(List<NameRules> all, Checkpoint checkpoint) {
        return all.stream()
                .filter(rules -> rules.matches(checkpoint))
                .findFirst()
                .orElse(null);
    }

    /**
     * Compares the tensors that have the same names in two checkpoints, which stay the caller's.
     *
     * @throws CheckpointException if a tensor cannot be read
     */
    public static CheckpointComparison of(Checkpoint a, Checkpoint b, Cancellation cancellation) {
        Map<String, TensorInfo> inA = a.tensors();
        Map<String, TensorInfo> inB = b.tensors();
        boolean sameBits = true;
        int compared = 0;
        Set<String> types = new TreeSet<>();
        List<Difference> different = new ArrayList<>();
        Map<String, Set<String>> contentsOfA = new LinkedHashMap<>();
        Map<String, String> contentsOfB = new LinkedHashMap<>();
        for (TensorInfo one : inA.values()) {
            cancellation.check();
            TensorInfo other = inB.get(one.name());
            if (other == null) {
                continue;
            }
            compared++;
            ByteBuffer bytesA = a.read(one.name());
            ByteBuffer bytesB = b.read(one.name());
            if (one.equals(other) && bytesA.equals(bytesB)) {
                continue;
            }
            sameBits = false;
            TensorComparison comparison = new TensorComparison(one, bytesA, other, bytesB);
            if (comparison.same()) {
                if (one.dtype() != other.dtype()) {
                    types.add(one.dtype() + " in A, " + other.dtype() + " in B");
                }
                continue;
            }
            Finding finding = comparison.find();
            if (UNEXPLAINED.contains(finding.kind())) {
                contentsOfA
                        .computeIfAbsent(comparison.contentsOfA(), key -> new LinkedHashSet<>())
                        .add(one.name());
                contentsOfB.put(one.name(), comparison.contentsOfB());
            }
            different.add(new Difference(
                    one.name(), one, other, finding, comparison.changed(), comparison.maxAbs(), comparison.relL2()));
        }
        different.replaceAll(difference -> moved(difference, contentsOfA, contentsOfB));
        return new CheckpointComparison(
                compared,
                sameBits,
                types,
                List.copyOf(different),
                inA.keySet().stream().filter(name -> !inB.containsKey(name)).toList(),
                inB.keySet().stream().filter(name -> !inA.containsKey(name)).toList());
    }

    /** Whether B has the contents of another tensor under this name. */
    private static Difference moved(
            Difference difference, Map<String, Set<String>> contentsOfA, Map<String, String> contentsOfB) {
        String contents = contentsOfB.get(difference.name());
        Set<String> places = contents == null ? Set.of() : contentsOfA.getOrDefault(contents, Set.of());
        for (String place : places) {
            Set<String> back = contentsOfA.getOrDefault(contentsOfB.get(place), Set.of());
            if (back.contains(difference.name())) {
                return difference.with(
                        new Finding(Finding.Kind.SWAPPED, "exchanged with " + place + ": each has the other's values"));
            }
        }
        return places.isEmpty()
                ? difference
                : difference.with(new Finding(
                        Finding.Kind.MOVED,
                        "B has here what is " + places.iterator().next() + " in A"));
    }

    /** Whether both have the same names, shapes and values, be it in different types. */
    public boolean equal() {
        return different.isEmpty() && onlyA.isEmpty() && onlyB.isEmpty();
    }

    /** One line, for example {@code "189 tensors, bit-equal"}. */
    public String summary() {
        String tensors = compared + (compared == 1 ? " tensor" : " tensors");
        if (!equal()) {
            return tensors + " compared: " + different.size() + " different"
                    + (onlyA.isEmpty() ? "" : ", " + onlyA.size() + " only in A")
                    + (onlyB.isEmpty() ? "" : ", " + onlyB.size() + " only in B");
        }
        if (compared == 0) {
            return "no tensors in either";
        }
        return tensors
                + (sameBits ? ", bit-equal" : ", equal values")
                + (types.isEmpty() ? "" : ": " + String.join("; ", types));
    }

    /** The summary, then, if not all is equal, a line for each tensor that is not; one for all if the same is true of all of them. */
    public String text() {
        Set<String> findings =
                different.stream().map(each -> each.finding().text()).collect(Collectors.toSet());
        if (findings.size() == 1 && different.size() > 1) {
            String all = different.size() == compared ? "each" : "each of the different";
            return summary() + "\n" + all + ": " + findings.iterator().next() + only();
        }
        TextTable table = new TextTable();
        different.forEach(each ->
                table.row(each.name(), each.finding().kind(), each.finding().text()));
        return summary() + (different.isEmpty() ? "" : "\n" + table) + only();
    }

    private String only() {
        return onlyA.stream().map(name -> "\nonly in A: " + name).collect(Collectors.joining())
                + onlyB.stream().map(name -> "\nonly in B: " + name).collect(Collectors.joining());
    }

    /** For JSON: {@code equal}, {@code compared}, {@code different}, {@code onlyA}, {@code onlyB}. */
    public Map<String, Object> asMap() {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("equal", equal());
        map.put("compared", compared);
        map.put("different", different.stream().map(Difference::asMap).toList());
        map.put("onlyA", onlyA);
        map.put("onlyB", onlyB);
        return map;
    }
}
