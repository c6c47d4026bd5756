package org.luthier.debug;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class LayerTreeTest {
    private final LayerTree tree = LayerTree.of(new TinyModel());

    @Test
    void countsAndOrders() {
        assertEquals(6, tree.parameters());
        assertEquals(
                List.of("frontend", "narrow", "wide", "out"),
                tree.children().stream().map(LayerTree::name).toList());
        assertEquals(List.of("frontend.magnitude", "frontend.log", "narrow", "wide", "out.in", "out"), tree.allTaps());
    }

    @Test
    void tableNamesEveryWeight() {
        String table = tree.table();
        assertTrue(
                table.lines()
                        .map(line -> List.of(line.strip().split(" +")))
                        .anyMatch(List.of("wide.weight", "2", "[2]", "F32", "model/wide/kernel")::equals),
                table);
        assertTrue(table.lines().allMatch(line -> line.equals(line.stripTrailing())), table);
    }

    @Test
    void mapFollowsTheTree() {
        Map<String, Object> out = tree.children().get(3).asMap();
        assertEquals(
                Map.of(
                        "name", "out",
                        "parameters", 2L,
                        "taps", List.of("out.in", "out"),
                        "weights",
                                List.of(Map.of(
                                        "name",
                                        "out.weight",
                                        "shape",
                                        List.of(2L),
                                        "dtype",
                                        "F32",
                                        "source",
                                        "model/out/kernel")),
                        "children", List.of(),
                        "computations",
                                List.of(
                                        Map.of(
                                                "output", "out.in",
                                                "operation", "sum",
                                                "inputs", List.of("narrow", "wide"),
                                                "weights", Map.of(),
                                                "settings", Map.of()),
                                        Map.of(
                                                "output", "out",
                                                "operation", "weighing",
                                                "inputs", List.of("out.in"),
                                                "weights", Map.of("weight", "out.weight"),
                                                "settings", Map.of()))),
                out);
        assertTrue(tree.table().contains("  > out.in") && tree.table().contains("sum of narrow, wide"), tree.table());
    }

    @Test
    void globsChooseNames() {
        NameGlob glob = NameGlob.of("frontend.*, out?in");
        assertTrue(glob.matches("frontend.log") && glob.matches("out.in"));
        assertEquals(
                List.of("frontend.magnitude", "frontend.log", "out.in"),
                tree.allTaps().stream().filter(glob::matches).toList());
        assertTrue(NameGlob.ALL.matches("anything.at_all"));
    }
}
