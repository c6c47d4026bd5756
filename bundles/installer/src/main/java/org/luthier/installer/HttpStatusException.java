package org.luthier.installer;

import java.net.URI;
import org.luthier.api.LuthierException;

/** A server answered that it will not give a file, and would say so again. */
final class HttpStatusException extends LuthierException {
    private static final long serialVersionUID = 1L;

    HttpStatusException(URI uri, int status) {
        super(uri + ": the server answered " + status + meaning(status)
                + "; if you can get the weights in another way, use --from URL or PATH");
    }

    private static String meaning(int status) {
        return switch (status) {
            case 401, 403, 407 -> " (access is not allowed)";
            case 404, 410 -> " (there is no such file)";
            case 451 -> " (not available for legal reasons)";
            default -> "";
        };
    }
}
