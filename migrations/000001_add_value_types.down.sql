DROP FUNCTION fold(text);
DROP FUNCTION partial_date_valid(day, day, text, text);
DROP DOMAIN percentage;
DROP DOMAIN amount;
DROP DOMAIN instant;
DROP DOMAIN day;
