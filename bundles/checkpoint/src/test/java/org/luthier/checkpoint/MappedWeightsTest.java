package org.luthier.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.CheckpointException;
import org.luthier.api.checkpoint.Ledger;

/** Weights that other threads read ahead, whatever the order and the thread they are taken in. */
class MappedWeightsTest {
    private static final int WEIGHTS = 60;

    @TempDir
    Path temporary;

    private final List<String> names = new ArrayList<>();
    private T5xFolder folder;

    @BeforeEach
    void makeFolder() throws IOException {
        folder = new T5xFolder(temporary.resolve("folder"));
        for (int i = 0; i < WEIGHTS; i++) {
            float[] values = new float[2000];
            Arrays.fill(values, i);
            folder.zarr("w" + i, "float32", T5xFolder.header(List.of(2000)), Map.of("0", T5xFolder.little(values)));
            names.add("w" + i);
        }
        folder.write();
    }

    @Test
    void inAnyOrder() throws IOException {
        for (boolean reversed : new boolean[] {false, true}) {
            if (reversed) {
                Collections.reverse(names);
            }
            try (Checkpoint checkpoint = new T5xFormat().open(folder.path)) {
                MappedWeights weights = weights(checkpoint);
                names.forEach(name -> take(weights, name));
                weights.finish();
                List<String> sources = weights.ledger().entries().stream()
                        .map(Ledger.Entry::source)
                        .toList();
                assertEquals(List.copyOf(checkpoint.tensors().keySet()), sources);
            }
        }
    }

    @Test
    void bySeveralThreads() throws Exception {
        ExecutorService workers = Executors.newFixedThreadPool(4);
        try (Checkpoint checkpoint = new T5xFormat().open(folder.path)) {
            MappedWeights weights = weights(checkpoint);
            List<Future<?>> taken = new ArrayList<>();
            for (String name : names) {
                taken.add(workers.submit(() -> take(weights, name)));
            }
            for (Future<?> each : taken) {
                each.get();
            }
            weights.finish();
        } finally {
            workers.shutdown();
        }
    }

    @Test
    void anErrorBelongsToTheWeightItIsIn() throws IOException {
        Path chunk = folder.path.resolve("target.w30/0");
        byte[] bytes = Files.readAllBytes(chunk);
        bytes[bytes.length - 5] ^= 1;
        Files.write(chunk, bytes);
        try (Checkpoint checkpoint = new T5xFormat().open(folder.path)) {
            MappedWeights weights = weights(checkpoint);
            for (String name : names) {
                if (name.equals("w30")) {
                    CheckpointException e = assertThrows(CheckpointException.class, () -> take(weights, name));
                    assertEquals("checksum", e.rule());
                } else {
                    take(weights, name);
                }
            }
        }
    }

    private static void take(MappedWeights weights, String name) {
        float[] expected = new float[2000];
        Arrays.fill(expected, Integer.parseInt(name.substring(1)));
        assertArrayEquals(expected, weights.take(name, 2000));
    }

    private MappedWeights weights(Checkpoint checkpoint) throws IOException {
        Path rules = Files.writeString(
                temporary.resolve("rules.json"),
                "{\"format\": \"luthier-names/1\", \"recognisedBy\": [\"w*\"], \"rules\": [{\"match\": \"w*\"}]}");
        return NameRules.read(rules.toUri().toURL()).apply(checkpoint, "family");
    }
}
