package org.luthier.checkpoint;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.CheckpointException;
import org.luthier.api.checkpoint.CheckpointFormat;
import org.luthier.api.checkpoint.TensorInfo;
import org.osgi.service.component.annotations.Component;

/**
 * safetensors in several files: an index of JSON, whose weight_map tells for each tensor the file that holds it.
 *
 * <p>Given as the index, or as a folder with exactly one file {@code *.safetensors.index.json}. Shards are files beside the index, called
 * by their plain names; each follows the rules of {@link SafetensorsFormat}. Index and shards must say the same: every tensor is in the
 * shard that the map names and in no other, no shard has another tensor, and {@code metadata.total_size}, if it is there, is the sum of
 * the tensors' bytes. Tensors stand in the order of the map. The checksum is that of the sorted lines that sha256sum prints for the index
 * and the shards.
 */
@Component(service = CheckpointFormat.class)
public final class ShardedSafetensorsFormat implements CheckpointFormat {
    private static final String SUFFIX = ".safetensors.index.json";
    private static final String MAP = "weight_map";
    private static final String METADATA = "metadata";
    private static final String TOTAL = "total_size";
    private static final long MAX_INDEX = 1 << 26;

    /** Of the map and of metadata; each costs more than its bytes in the index. */
    private static final int MAX_ENTRIES = 1 << 18;

    /** Each is an open file. */
    private static final int MAX_SHARDS = 512;

    @Override
    public String id() {
        return "safetensors-index";
    }

    @Override
    public String description() {
        return "safetensors in shards (model.safetensors.index.json)";
    }

    @Override
    public boolean recognises(Path path) {
        if (Files.isDirectory(path)) {
            try {
                return !indexes(path).isEmpty();
            } catch (IOException e) {
                return false;
            }
        }
        return Json.hasField(path, MAP);
    }

    @Override
    public Checkpoint open(Path path) {
        FileBytes index = FileBytes.open(Files.isDirectory(path) ? only(path) : path);
        Map<String, Checkpoint> shards = new LinkedHashMap<>();
        try {
            CheckpointFolder folder =
                    new CheckpointFolder(index.path().toAbsolutePath().getParent());
            folder.add(index.name());
            return new Index(index, folder, shards).read();
        } catch (RuntimeException | Error e) {
            closeAll(index, shards.values());
            throw e;
        }
    }

    private static List<Path> indexes(Path folder) throws IOException {
        List<Path> indexes = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, "*" + SUFFIX)) {
            files.forEach(indexes::add);
        }
        return indexes;
    }

    private static Path only(Path folder) {
        try {
            List<Path> indexes = indexes(folder);
            if (indexes.size() != 1) {
                throw new CheckpointException(
                        folder.toString(),
                        -1,
                        "several-indexes",
                        indexes.size() + " files *" + SUFFIX + " lie in this folder, expected one; give the one meant");
            }
            return indexes.get(0);
        } catch (IOException e) {
            throw FileBytes.unreadable(folder, e);
        }
    }

    private static void closeAll(FileBytes index, Collection<Checkpoint> shards) {
        shards.forEach(Checkpoint::close);
        index.close();
    }

    private record Member(TensorInfo tensor, Checkpoint shard) implements StoredCheckpoint.Stored {}

    /** Reads one index and holds the shards against it. */
    private static final class Index {
        private final FileBytes file;
        private final CheckpointFolder folder;
        private final Map<String, Checkpoint> shards;
        private final Map<String, String> map = new LinkedHashMap<>();
        private final Map<String, String> metadata = new LinkedHashMap<>();
        private BigDecimal total;
        private JsonParser json;

        Index(FileBytes file, CheckpointFolder folder, Map<String, Checkpoint> shards) {
            this.file = file;
            this.folder = folder;
            this.shards = shards;
        }

        Checkpoint read() {
            if (file.size() > MAX_INDEX) {
                throw broken("too-large", "it has " + file.size() + " bytes, allowed are " + MAX_INDEX);
            }
            Json.read(file, 0, file.size(), "index-", parser -> {
                json = parser;
                readFields();
            });
            openShards();
            Map<String, Member> members = new LinkedHashMap<>();
            map.forEach((name, shard) -> members.put(name, member(name, shard)));
            checkNothingElse();
            checkTotal(members.values());
            shards.values().forEach(shard -> shard.metadata().forEach(metadata::putIfAbsent));
            return new Opened(file, folder, shards, members, metadata);
        }

        private void readFields() throws IOException {
            expect(json.nextToken(), JsonToken.START_OBJECT, "an object");
            boolean mapped = false;
            while (json.nextToken() == JsonToken.FIELD_NAME) {
                String field = json.currentName();
                expect(json.nextToken(), JsonToken.START_OBJECT, "an object for '" + Names.brief(field) + "'");
                switch (field) {
                    case MAP -> {
                        readMap();
                        mapped = true;
                    }
                    case METADATA -> readMetadata();
                    default ->
                        throw broken(
                                "index-field",
                                "an unknown field '" + Names.brief(field) + "', expected are " + METADATA + " and "
                                        + MAP);
                }
            }
            if (json.nextToken() != null) {
                throw broken("index-json", "something follows the last brace");
            }
            if (!mapped) {
                throw broken("index-field", "there is no " + MAP);
            }
        }

        private void readMap() throws IOException {
            while (json.nextToken() == JsonToken.FIELD_NAME) {
                String name = json.currentName();
                expect(json.nextToken(), JsonToken.VALUE_STRING, "the name of a file for '" + Names.brief(name) + "'");
                map.put(name, json.getText());
                checkCount(map);
            }
        }

        /** What is no text, number or truth is passed over. */
        private void readMetadata() throws IOException {
            while (json.nextToken() == JsonToken.FIELD_NAME) {
                String key = json.currentName();
                JsonToken value = json.nextToken();
                if (key.equals(TOTAL)) {
                    if (!value.isNumeric()) {
                        throw broken("index-json", "expected a number for " + TOTAL + ", got " + value);
                    }
                    total = json.getDecimalValue();
                }
                if (value.isScalarValue() && value != JsonToken.VALUE_NULL) {
                    metadata.put(key, json.getText());
                    checkCount(metadata);
                }
                json.skipChildren();
            }
        }

        private void checkCount(Map<?, ?> entries) {
            if (entries.size() > MAX_ENTRIES) {
                throw broken("too-many-entries", "more than " + MAX_ENTRIES + " tensors or metadata");
            }
        }

        private void openShards() {
            Map<String, String> folded = new HashMap<>();
            for (String shard : map.values()) {
                if (shards.containsKey(shard)) {
                    continue;
                }
                if (shard.indexOf('/') >= 0) {
                    throw broken("outside", "the shard '" + Names.brief(shard) + "' is no plain name of a file");
                }
                String other = folded.put(shard.toLowerCase(Locale.ROOT), shard);
                if (other != null) {
                    // Some file systems take both for one file.
                    throw broken(
                            "shard-case",
                            "the shards '" + Names.brief(other) + "' and '" + Names.brief(shard)
                                    + "' differ in upper and lower case alone");
                }
                if (shards.size() == MAX_SHARDS) {
                    throw broken("too-many-shards", "more than " + MAX_SHARDS + " shards");
                }
                folder.real(shard);
                shards.put(shard, new SafetensorsFormat().open(folder.resolve(shard)));
                folder.add(shard);
            }
        }

        private Member member(String name, String shard) {
            TensorInfo tensor = shards.get(shard).tensors().get(name);
            if (tensor == null) {
                throw broken(
                        "missing-tensor",
                        "there is no tensor '" + Names.brief(name) + "' in the shard '" + Names.brief(shard) + "'"
                                + Names.nearest(
                                        name, shards.get(shard).tensors().keySet()));
            }
            return new Member(tensor, shards.get(shard));
        }

        private void checkNothingElse() {
            shards.forEach((shard, checkpoint) -> checkpoint.tensors().keySet().forEach(name -> {
                String there = map.get(name);
                if (!shard.equals(there)) {
                    throw broken(
                            "unmapped-tensor",
                            "the shard '" + Names.brief(shard) + "' has a tensor '" + Names.brief(name) + "', which "
                                    + (there == null
                                            ? "the map does not have"
                                            : "the map has in '" + Names.brief(there) + "'"));
                }
            }));
        }

        private void checkTotal(Collection<Member> members) {
            BigDecimal sum = BigDecimal.ZERO;
            for (Member member : members) {
                TensorInfo tensor = member.tensor();
                sum = sum.add(BigDecimal.valueOf(Shapes.bytes(tensor.shape(), tensor.dtype())));
            }
            if (total != null && total.compareTo(sum) != 0) {
                throw broken(
                        "total-size",
                        TOTAL + " is " + Names.brief(total) + ", the tensors have " + sum.toPlainString() + " bytes");
            }
        }

        private void expect(JsonToken token, JsonToken expected, String what) {
            if (token != expected) {
                throw broken("index-json", "expected " + what + ", got " + token);
            }
        }

        private CheckpointException broken(String rule, String detail) {
            return file.broken(-1, rule, detail);
        }
    }

    private static final class Opened extends FolderCheckpoint<Member> {
        private final Map<String, Checkpoint> shards;

        Opened(
                FileBytes index,
                CheckpointFolder folder,
                Map<String, Checkpoint> shards,
                Map<String, Member> members,
                Map<String, String> metadata) {
            super("safetensors-index", index, folder, members, metadata);
            this.shards = shards;
        }

        @Override
        ByteBuffer bytes(Member member) {
            return member.shard().read(member.tensor().name());
        }

        @Override
        public void close() {
            shards.values().forEach(Checkpoint::close);
            super.close();
        }
    }
}
