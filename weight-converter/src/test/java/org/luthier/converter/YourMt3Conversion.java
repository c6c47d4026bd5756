package org.luthier.converter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.Ledger;
import org.luthier.api.checkpoint.TensorInfo;
import org.luthier.checkpoint.Checkpoints;

/** What is to be true of every conversion of a checkpoint of YourMT3+. */
final class YourMt3Conversion {
    private static final String SECOND_NAME = "drop: second name of ";

    private YourMt3Conversion() {}

    /**
     * Every tensor of the source is in the ledger once, and its numbers are in the safetensors file as the ledger says, and in the PyTorch
     * file as they were.
     *
     * @return how many tensors were dropped, by reason
     */
    static Map<String, Integer> assertComplete(Path source, Ledger ledger, Path safetensors, Path torch) {
        Map<String, Integer> dropped = new TreeMap<>();
        try (Checkpoint before = Checkpoints.builtIn().open(source);
                Checkpoint canonical = Checkpoints.builtIn().open(safetensors);
                Checkpoint back = Checkpoints.builtIn().open(torch)) {
            assertEquals(
                    new ArrayList<>(before.tensors().keySet()),
                    ledger.entries().stream().map(Ledger.Entry::source).toList());
            Set<String> targets = new HashSet<>();
            Set<String> kept = new HashSet<>();
            for (Ledger.Entry entry : ledger.entries()) {
                TensorInfo tensor = before.tensors().get(entry.source());
                if (entry.target() == null) {
                    String reason = entry.transform().startsWith(SECOND_NAME) ? "second name" : entry.transform();
                    dropped.merge(reason, 1, Integer::sum);
                    if (!reason.equals("second name")) {
                        continue;
                    }
                } else {
                    assertTrue(targets.add(entry.target()), entry.target());
                    TensorInfo target = canonical.tensors().get(entry.target());
                    assertNotNull(target, entry.target());
                    assertEquals(tensor.dtype(), target.dtype(), entry.target());
                    assertMoved(entry, tensor, before.read(entry.source()), target, canonical.read(entry.target()));
                }
                kept.add(entry.source());
                assertEquals(tensor, back.tensors().get(entry.source()));
                assertEquals(before.read(entry.source()), back.read(entry.source()), entry.source());
            }
            assertEquals(canonical.tensors().keySet(), targets);
            assertEquals(kept, back.tensors().keySet());
            assertEquals(hyperParameters(before), hyperParameters(canonical));
            Map<String, String> written = new HashMap<>(hyperParameters(back));
            // What was an object is a dictionary.
            hyperParameters(before).forEach((name, value) -> {
                if (!value.startsWith("an object of ")) {
                    assertEquals(value, written.get(name), name);
                }
            });
        }
        return dropped;
    }

    static Map<String, String> hyperParameters(Checkpoint checkpoint) {
        Map<String, String> found = new TreeMap<>(checkpoint.metadata());
        found.keySet().removeIf(name -> !name.startsWith("hyper_parameters."));
        return found;
    }

    /** Element by element, from the words of the ledger alone. */
    private static void assertMoved(
            Ledger.Entry entry, TensorInfo from, ByteBuffer before, TensorInfo to, ByteBuffer after) {
        List<Integer> axes = new ArrayList<>();
        if (entry.transform().equals("copy")) {
            for (int axis = 0; axis < from.shape().size(); axis++) {
                axes.add(axis);
            }
        } else {
            assertTrue(entry.transform().startsWith("transpose "), entry.transform());
            for (String axis :
                    entry.transform().substring("transpose ".length()).split(" ")) {
                axes.add(Integer.parseInt(axis));
            }
        }
        assertEquals(axes.stream().map(axis -> from.shape().get(axis)).toList(), to.shape(), entry.target());
        before.order(ByteOrder.LITTLE_ENDIAN);
        after.order(ByteOrder.LITTLE_ENDIAN);
        int[] index = new int[axes.size()];
        for (int at = 0; at < to.elements(); at++) {
            int place = 0;
            for (int axis = 0; axis < index.length; axis++) {
                place = place * from.shape().get(axis).intValue() + index[axes.indexOf(axis)];
            }
            if (before.getInt(4 * place) != after.getInt(4 * at)) {
                throw new AssertionError(entry + ", element " + at);
            }
            for (int axis = index.length - 1;
                    axis >= 0 && ++index[axis] == to.shape().get(axis);
                    axis--) {
                index[axis] = 0;
            }
        }
    }
}
