// TrueLayer passes the payment in the fragment, which never reaches the server by itself.
const fragment = new URLSearchParams(location.hash.slice(1));
const payment = fragment.get("payment_id");
if (payment) {
  const target = new URL("/hosted/" + encodeURIComponent(payment), location.origin);
  const returnUri = fragment.get("return_uri");
  if (returnUri) target.searchParams.set("return_uri", returnUri);
  location.replace(target);
} else {
  document.getElementById("message").textContent = "This link names no payment.";
}
