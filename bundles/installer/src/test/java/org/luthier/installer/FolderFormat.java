package org.luthier.installer;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.CheckpointFormat;
import org.luthier.api.checkpoint.DType;
import org.luthier.api.checkpoint.TensorInfo;
import org.luthier.files.Sha256;

/** A folder with a file called checkpoint; each other file is a tensor of bytes. */
final class FolderFormat implements CheckpointFormat {
    @Override
    public String id() {
        return "folder";
    }

    @Override
    public String description() {
        return "a folder of arrays";
    }

    @Override
    public boolean recognises(Path path) {
        return Files.isRegularFile(path.resolve("checkpoint"));
    }

    @Override
    public Checkpoint open(Path path) {
        Map<String, String> files = new TreeMap<>();
        Map<String, TensorInfo> tensors = new LinkedHashMap<>();
        try (Stream<Path> found = Files.walk(path)) {
            for (Path file : found.filter(Files::isRegularFile).toList()) {
                String name = path.relativize(file).toString().replace('\\', '/');
                files.put(name, Sha256.hex(file));
                if (!name.equals("checkpoint")) {
                    tensors.put(name, new TensorInfo(name, List.of(Files.size(file)), DType.U8));
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return new Opened(path.getFileName().toString(), files, tensors);
    }

    static String sha256(Map<String, String> files) {
        String lines = files.entrySet().stream()
                .map(file -> file.getValue() + "  " + file.getKey() + "\n")
                .sorted()
                .collect(Collectors.joining());
        return Sha256.hex(lines.getBytes(StandardCharsets.UTF_8));
    }

    private record Opened(String name, Map<String, String> files, Map<String, TensorInfo> tensors)
            implements Checkpoint {
        @Override
        public String format() {
            return "folder";
        }

        @Override
        public ByteBuffer read(String name) {
            throw new UnsupportedOperationException("nobody reads it");
        }

        @Override
        public float[] floats(String name) {
            throw new UnsupportedOperationException("nobody reads it");
        }

        @Override
        public Map<String, String> metadata() {
            return Map.of();
        }

        @Override
        public List<String> warnings() {
            return List.of();
        }

        @Override
        public String sha256() {
            return FolderFormat.sha256(files);
        }

        @Override
        public void close() {}
    }
}
